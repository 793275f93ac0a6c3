# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_socktop_agent_global_optspecs
    string join \n p/port= l/listen= enableSSL c/config= token-file= no-token log-level= h/help V/version
end

function __fish_socktop_agent_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_socktop_agent_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_socktop_agent_using_subcommand
    set -l cmd (__fish_socktop_agent_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -s p -l port -d 'Serve on this port, on all interfaces unless --listen is given' -r
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -s l -l listen -d 'Serve on this address: IP or IP:PORT, an IPv6 address in brackets (may be given more than once)' -r
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -s c -l config -d 'Read settings from this file instead of /etc/socktop/agent.toml' -r -F
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -l token-file -d 'Require a token from this file of all clients' -r -F
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -l log-level -d 'What to log: error, warn, info, debug or trace' -r
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -l enableSSL -d 'Serve wss with a certificate generated on first use; the default port is 8443 then'
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -l no-token -d 'Admit all clients that can reach the port, without a token'
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -s V -l version -d 'Print version'
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -f -a "setup" -d 'Create the token and the TLS identity in /etc/socktop if they are missing'
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -f -a "pair" -d 'Print the pairing line for \'socktop add\': this host\'s address, port, key and a token'
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -f -a "fingerprint" -d 'Print the SHA-256 of this host\'s public key, which \'socktop\' shows at its first connection'
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -f -a "token" -d 'Manage access tokens and their rights'
complete -c socktop-agent -n "__fish_socktop_agent_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand setup" -l root -d 'The root of the system to set up' -r -F
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand setup" -l gpu -d 'Write a drop-in that gives the service access to this machine\'s GPUs, and do nothing else'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand pair" -l host -d 'The name or address by which clients reach this host, instead of the address of your ssh connection or of the default route' -r
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand pair" -l port -d 'The port that clients connect to, instead of that of socktop-agent.socket' -r
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand pair" -l token -d 'Print the token of this name instead of the default one' -r
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand pair" -l root -d 'The root of the system' -r -F
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand pair" -l qr -d 'Also show the line as a QR code'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand pair" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand fingerprint" -l root -d 'The root of the system' -r -F
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand fingerprint" -s h -l help -d 'Print help'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and not __fish_seen_subcommand_from add list revoke help" -s h -l help -d 'Print help'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and not __fish_seen_subcommand_from add list revoke help" -f -a "add" -d 'Create a token for a person or a machine, and print its pairing line'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and not __fish_seen_subcommand_from add list revoke help" -f -a "list" -d 'List the tokens\' names and rights'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and not __fish_seen_subcommand_from add list revoke help" -f -a "revoke" -d 'Revoke a token, and end its sessions'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and not __fish_seen_subcommand_from add list revoke help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from add" -l rights -d 'The token\'s rights: full, or metrics (no command lines, no details of a process, no journal)' -r
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from add" -l host -d 'The name or address by which clients reach this host, instead of the address of your ssh connection or of the default route' -r
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from add" -l port -d 'The port that clients connect to, instead of that of socktop-agent.socket' -r
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from add" -l root -d 'The root of the system' -r -F
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from list" -l root -d 'The root of the system' -r -F
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from revoke" -l root -d 'The root of the system' -r -F
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "add" -d 'Create a token for a person or a machine, and print its pairing line'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the tokens\' names and rights'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Revoke a token, and end its sessions'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand help; and not __fish_seen_subcommand_from setup pair fingerprint token help" -f -a "setup" -d 'Create the token and the TLS identity in /etc/socktop if they are missing'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand help; and not __fish_seen_subcommand_from setup pair fingerprint token help" -f -a "pair" -d 'Print the pairing line for \'socktop add\': this host\'s address, port, key and a token'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand help; and not __fish_seen_subcommand_from setup pair fingerprint token help" -f -a "fingerprint" -d 'Print the SHA-256 of this host\'s public key, which \'socktop\' shows at its first connection'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand help; and not __fish_seen_subcommand_from setup pair fingerprint token help" -f -a "token" -d 'Manage access tokens and their rights'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand help; and not __fish_seen_subcommand_from setup pair fingerprint token help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "add" -d 'Create a token for a person or a machine, and print its pairing line'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "list" -d 'List the tokens\' names and rights'
complete -c socktop-agent -n "__fish_socktop_agent_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "revoke" -d 'Revoke a token, and end its sessions'
