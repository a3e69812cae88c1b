# Completion of causeway-inject(1) for fish.

complete -c causeway-inject -f
complete -c causeway-inject -s B -x -a '7BIT 8BITMIME' -d 'Body'
complete -c causeway-inject -s c -r -F -d 'Configuration file'
complete -c causeway-inject -s F -x -d 'Full name for a From field that is missing'
complete -c causeway-inject -s f -x -d 'Envelope sender'
complete -c causeway-inject -s i -d 'A line of one dot does not end the message'
complete -c causeway-inject -o oi -d 'A line of one dot does not end the message'
complete -c causeway-inject -s N -x -a 'never success failure delay' -d 'Which reports the sender wants'
complete -c causeway-inject -s R -x -a 'full hdrs' -d 'What a report returns'
complete -c causeway-inject -s t -d 'Take recipients from the header too'
complete -c causeway-inject -s V -x -d 'Envelope id for reports'
complete -c causeway-inject -l wait -d 'Wait for the outcome'
complete -c causeway-inject -l version -d 'The version'
complete -c causeway-inject -l help -d 'A summary of the options'
