# Completion of causewayd(8) for fish. Names of parameters are asked of the running daemon, quietly.

function __causewayd_parameters
    causewayctl config 2>/dev/null | string replace -r ' =.*' '='
end

complete -c causewayd -f
complete -c causewayd -s f -d 'Stay in the foreground, log to standard error'
complete -c causewayd -s t -d 'Check the configuration and exit'
complete -c causewayd -s c -r -F -d 'Configuration file'
complete -c causewayd -s o -x -a '(__causewayd_parameters)' -d 'Override a value of the file'
complete -c causewayd -s V -l version -d 'The version'
complete -c causewayd -l help -d 'A summary of the options'
