# Shared by start.sh and stop.sh.

# alive PIDFILE PROGRAM: does the file name a live process, not a zombie, of that program?
alive()
{
    local pid
    pid=$(head -n 1 "$1" 2> /dev/null) && [ -n "$pid" ] &&
        [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$2" ] &&
        ! grep -q '^State:.[ZX]' "/proc/$pid/status" 2> /dev/null
}
