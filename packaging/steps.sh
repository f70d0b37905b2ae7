# Sourced by the scripts of this folder: says each step and how long it took.

# Durations in whole tenths of a second, without a bc or python to depend on.
now_ms() { date +%s%3N; }

seconds_since() {
    local ms=$(($(now_ms) - $1))
    echo "$((ms / 1000)).$(((ms % 1000) / 100)) s"
}

# step WHAT COMMAND...: say WHAT, run COMMAND, say how long it took. The command's output is shown as it comes.
step() {
    local what=$1 start status=0
    shift
    start=$(now_ms)
    printf '==> %s\n' "$what"
    "$@" || status=$?
    if [ $status -eq 0 ]; then
        printf '    done in %s\n' "$(seconds_since "$start")"
    else
        printf '    failed after %s (exit status %s)\n' "$(seconds_since "$start")" $status >&2
    fi
    return $status
}

# quiet_step WHAT COMMAND...: like `step`, but the output is shown only when the command fails.
quiet_step() {
    local what=$1 log status=0
    shift
    log=$(mktemp)
    step "$what" "$@" >"$log" 2>&1 || status=$?
    if [ $status -eq 0 ]; then
        sed -n '1p;$p' "$log"
    else
        cat "$log" >&2
    fi
    rm -f "$log"
    return $status
}

# How everything that is not a test is built. Statically linked Swift runtime: the packages depend on nothing that
# Debian does not have. Addresses that never change are mapped read-only.
readonly release_flags=(-c release --static-swift-stdlib
    -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now -Xlinker --build-id=sha1)

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" -eq 0 ] || fail "root is needed to boot machines: run \`sudo make $1\`."
}
