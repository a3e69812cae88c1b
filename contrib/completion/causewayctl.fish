# Completion of causewayctl(1) for fish. What only a running daemon knows (ids, destinations) is asked of it quietly.

# The command line's -c and --socket, so that the same daemon is asked.
function __causewayctl_ask
    set -l place
    set -l words (commandline -opc)
    for i in (seq (count $words))
        if contains -- $words[$i] -c --socket
            and set -q words[(math $i + 1)]
            set -a place $words[$i] $words[(math $i + 1)]
        end
    end
    $words[1] $place $argv 2>/dev/null
end

function __causewayctl_ids
    __causewayctl_ask --json queue | string match -rga '"id":"([^"]*)"'
end

function __causewayctl_destinations
    __causewayctl_ask destinations | string match -r '^\S.*'
end

function __causewayctl_parameters
    __causewayctl_ask config | string replace -r ' =.*' ''
end

set -l commands status queue show retry hold release delete destinations suspend resume explain verify top mailq \
    reload config
set -l messages retry hold release delete

complete -c causewayctl -f
complete -c causewayctl -s c -r -F -d 'Configuration file'
complete -c causewayctl -l socket -r -F -d 'Control socket'
complete -c causewayctl -l json -d 'The answer as it comes'
complete -c causewayctl -l help -d 'A summary of the commands'
complete -c causewayctl -l version -d 'The version'

complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a status -d 'Totals, processes, uptime'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a queue -d 'The queue, a line a message'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a show -d 'One message'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a retry -d 'Try messages now'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a hold -d 'Keep messages until released'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a release -d 'Let held messages go'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a delete -d 'Give messages up; nobody is told'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a destinations -d 'Where mail goes, and how well'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a suspend -d 'Send nothing to a destination'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a resume -d 'Send there again'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a explain -d 'Which way mail for an address takes'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a verify -d 'Ask a destination about an address'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a top -d 'All of it at a glance, again and again'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a mailq -d "The queue as Postfix's mailq shows it"
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a reload -d 'Read the configuration again'
complete -c causewayctl -n "not __fish_seen_subcommand_from $commands" -a config -d 'Effective values'

complete -c causewayctl -n "__fish_seen_subcommand_from queue $messages" -l state -x -a 'active deferred held incoming'
complete -c causewayctl -n "__fish_seen_subcommand_from queue $messages" -l to -x -a '(__causewayctl_destinations)'
complete -c causewayctl -n "__fish_seen_subcommand_from queue $messages" -l from -x -d 'Sender'
complete -c causewayctl -n "__fish_seen_subcommand_from queue $messages" -l older -x -d 'A time such as 2h'
complete -c causewayctl -n "__fish_seen_subcommand_from queue $messages" -l reason -x -d 'Part of the reason'
complete -c causewayctl -n "__fish_seen_subcommand_from $messages" -l dry-run -d 'Only count'
complete -c causewayctl -n "__fish_seen_subcommand_from $messages" -a 'ALL (__causewayctl_ids)'
complete -c causewayctl -n '__fish_seen_subcommand_from show' -l content -d 'Its content as well'
complete -c causewayctl -n '__fish_seen_subcommand_from show' -a '(__causewayctl_ids)'
complete -c causewayctl -n '__fish_seen_subcommand_from verify' -l timeout -x -d 'How long to wait, such as 10s'
complete -c causewayctl -n '__fish_seen_subcommand_from suspend resume' -a '(__causewayctl_destinations)'
complete -c causewayctl -n '__fish_seen_subcommand_from config' -a '(__causewayctl_parameters)'
complete -c causewayctl -n '__fish_seen_subcommand_from top' -l interval -x -d 'Time between two looks'
