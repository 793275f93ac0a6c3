complete -c socktop -s t -l tls-ca -d 'Trust the certificates in this PEM file: the agent\'s own, or its authority\'s' -r -F
complete -c socktop -l cert -d 'Show this certificate (PEM) to an agent that asks for one' -r -F
complete -c socktop -l key -d 'The key of the certificate given by --cert (PEM)' -r -F
complete -c socktop -s P -l profile -d 'Connect to a saved profile; with an agent, save that under this name' -r
complete -c socktop -l token-file -d 'Read the token from this file' -r -F
complete -c socktop -l metrics-interval-ms -d 'Time between two requests for metrics, in milliseconds [default: 500, at least 100]' -r
complete -c socktop -l processes-interval-ms -d 'Time between two requests for the process list, in milliseconds [default: 2000, at least 200]' -r
complete -c socktop -l disks-interval-ms -d 'Time between two requests for disks, in milliseconds [default: 5000, at least 500]' -r
complete -c socktop -l verify-hostname -d 'Also check that a certificate given by --tls-ca, or over a remembered key, is for the host\'s name'
complete -c socktop -l save -d 'Overwrite an existing profile without asking'
complete -c socktop -l demo -d 'Show this machine by an agent inside socktop; no port is opened'
complete -c socktop -l compact -d 'Use the layout for small windows at any size'
complete -c socktop -l dry-run -d 'Do all but connect'
complete -c socktop -s h -l help -d 'Print help'
complete -c socktop -s V -l version -d 'Print version'
