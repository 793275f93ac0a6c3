complete -c socktop-agent -s p -l port -d 'Serve on this port, on all interfaces unless --listen says otherwise' -r
complete -c socktop-agent -s l -l listen -d 'Serve on this address: IP, IP:PORT or [IPV6]:PORT (may be given more than once)' -r
complete -c socktop-agent -s c -l config -d 'Read settings from this file instead of /etc/socktop/agent.toml' -r -F
complete -c socktop-agent -l token-file -d 'Ask everyone for the token in this file' -r -F
complete -c socktop-agent -l log-level -d 'What to log: error, warn, info, debug or trace' -r
complete -c socktop-agent -l enableSSL -d 'Serve wss with a certificate made on first use; the port is 8443 then'
complete -c socktop-agent -l no-token -d 'Let anyone who can reach the port in, without a token'
complete -c socktop-agent -s h -l help -d 'Print help (see more with \'--help\')'
complete -c socktop-agent -s V -l version -d 'Print version'
