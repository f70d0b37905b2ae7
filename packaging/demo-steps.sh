# Sourced by the demos: a lab of machines, commands in them, and waiting.

readonly lab=(.build/release/fleet-lab)
readonly lab_name=demo
readonly examples=/usr/share/doc/fleetd/examples
# All but the page that is about them; for the machine's shell.
readonly unit_files="$examples/*.service $examples/*.socket $examples/*.timer"
# The machine that commands run on.
machine=demo

in_machine() { "${lab[@]}" exec --lab $lab_name "$machine" -- "$@"; }

# show COMMAND...: runs a command in the machine, with the command line above its output.
show() {
    printf '    %s# %s\n' "$machine" "$*"
    local status=0
    in_machine "$@" 2>&1 | sed 's/^/    /' || status=${PIPESTATUS[0]}
    return "$status"
}

# wait_for WHAT COMMAND...: polls until the command succeeds, for half a minute at most.
wait_for() {
    local what=$1 deadline=$((SECONDS + 30))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || fail "not within 30 s: $what. The journal: ${lab[*]} exec --lab $lab_name $machine -- journalctl -b"
        sleep 0.2
    done
}

set_up() {
    packaging/setup
    [ "$(id -u)" -eq 0 ] || fail "root is needed to boot a machine: run \`sudo make demo\`."
}

build() {
    packaging/build-deb
    swift build "${release_flags[@]}" --product fleet-lab
}

install_packages() {
    local deb
    for deb in dist/*.deb; do
        in_machine sh -c "cat >/var/tmp/$(basename "$deb")" <"$deb"
    done
    in_machine sh -c 'dpkg --force-confold --install /var/tmp/*.deb && rm /var/tmp/*.deb' >".lab/demo-$machine.log" 2>&1 || {
        cat ".lab/demo-$machine.log" >&2
        return 1
    }
}

# The main process of a unit on the machine; 0 when it has none.
main_process() { in_machine systemctl show --property=MainPID --value "$1"; }
