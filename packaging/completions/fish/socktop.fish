# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_socktop_global_optspecs
    string join \n t/tls-ca= verify-hostname cert= key= P/profile= save token-file= demo compact metrics-interval-ms= processes-interval-ms= disks-interval-ms= dry-run h/help V/version
end

function __fish_socktop_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_socktop_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_socktop_using_subcommand
    set -l cmd (__fish_socktop_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c socktop -n "__fish_socktop_needs_command" -s t -l tls-ca -d 'Trust the certificates in this PEM file: the agent\'s own, or its authority\'s' -r -F
complete -c socktop -n "__fish_socktop_needs_command" -l cert -d 'Present this client certificate (PEM) to an agent that requests one' -r -F
complete -c socktop -n "__fish_socktop_needs_command" -l key -d 'The key of the certificate given by --cert (PEM)' -r -F
complete -c socktop -n "__fish_socktop_needs_command" -s P -l profile -d 'Connect to a saved profile; if an agent is given too, save it under this name' -r
complete -c socktop -n "__fish_socktop_needs_command" -l token-file -d 'Read the token from this file' -r -F
complete -c socktop -n "__fish_socktop_needs_command" -l metrics-interval-ms -d 'Time between two requests for metrics, in milliseconds [default: 500, at least 100]' -r
complete -c socktop -n "__fish_socktop_needs_command" -l processes-interval-ms -d 'Time between two requests for the process list, in milliseconds [default: 2000, at least 200]' -r
complete -c socktop -n "__fish_socktop_needs_command" -l disks-interval-ms -d 'Time between two requests for disks, in milliseconds [default: 5000, at least 500]' -r
complete -c socktop -n "__fish_socktop_needs_command" -l verify-hostname -d 'Also check that a certificate given by --tls-ca, or for a remembered key, is for the host\'s name'
complete -c socktop -n "__fish_socktop_needs_command" -l save -d 'Overwrite an existing profile without asking'
complete -c socktop -n "__fish_socktop_needs_command" -l demo -d 'Show this machine, without an agent and without a port'
complete -c socktop -n "__fish_socktop_needs_command" -l compact -d 'Use the layout for small windows at any size'
complete -c socktop -n "__fish_socktop_needs_command" -l dry-run -d 'Do all but connect'
complete -c socktop -n "__fish_socktop_needs_command" -s h -l help -d 'Print help'
complete -c socktop -n "__fish_socktop_needs_command" -s V -l version -d 'Print version'
complete -c socktop -n "__fish_socktop_needs_command" -a "add" -d 'Add agents by the pairing lines that \'sudo socktop-agent pair\' prints on their hosts'
complete -c socktop -n "__fish_socktop_needs_command" -a "list" -d 'Show the saved profiles, how each is trusted and whether it has a token'
complete -c socktop -n "__fish_socktop_needs_command" -a "remove" -d 'Remove a profile, with its stored token and its remembered key'
complete -c socktop -n "__fish_socktop_needs_command" -a "rename" -d 'Rename a profile'
complete -c socktop -n "__fish_socktop_needs_command" -a "forget" -d 'Forget the key of a host, so that the next connection can accept another one; its profiles are kept'
complete -c socktop -n "__fish_socktop_using_subcommand add" -l name -d 'Save the profile under this name' -r
complete -c socktop -n "__fish_socktop_using_subcommand add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c socktop -n "__fish_socktop_using_subcommand list" -s h -l help -d 'Print help'
complete -c socktop -n "__fish_socktop_using_subcommand remove" -s h -l help -d 'Print help'
complete -c socktop -n "__fish_socktop_using_subcommand rename" -s h -l help -d 'Print help'
complete -c socktop -n "__fish_socktop_using_subcommand forget" -s h -l help -d 'Print help'
