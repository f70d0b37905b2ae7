# Sourced by the scripts of this folder: says each step and how long it took.

# Durations in whole tenths of a second, without a bc or python to depend on.
now_ms() { date +%s%3N; }

seconds_since() {
    local ms=$(($(now_ms) - $1))
    echo "$((ms / 1000)).$(((ms % 1000) / 100)) s"
}

# The step that runs now: what it is, since when, and where its output goes if it is not shown.
step_what="" step_since=0 step_log=""

begin_step() {
    step_what=$1
    step_since=$(now_ms)
    printf '==> %s\n' "$step_what"
}

# end_step STATUS: says how the step ended, and hands its status on.
end_step() {
    if [ "$1" -eq 0 ]; then
        printf '    done in %s\n' "$(seconds_since "$step_since")"
    else
        [ -z "$step_log" ] || cat "$step_log" >&2
        printf '    failed after %s: %s\n' "$(seconds_since "$step_since")" "$step_what" >&2
    fi
    step_what=""
    if [ -n "$step_log" ]; then rm -f "$step_log"; fi
    step_log=""
    return "$1"
}

# Under `set -e` a command that fails in the middle of a step ends the script, and this says which step it was.
trap 'status=$?; if [ -n "$step_what" ]; then end_step $((status ? status : 1)); fi' EXIT

# step WHAT COMMAND...: says WHAT, runs COMMAND, says how long it took. Not to be used on the left of `||` with a function
# of several commands: there bash ignores `set -e`, and only the last one would count.
step() {
    begin_step "$1"
    shift
    "$@"
    end_step $?
}

# quiet_step WHAT COMMAND...: like `step`, but the output is shown only when the command fails.
quiet_step() {
    begin_step "$1"
    shift
    step_log=$(mktemp)
    "$@" >"$step_log" 2>&1
    end_step $?
}

# How everything that is not a test is built. Statically linked runtimes: the packages depend on nothing that Debian does
# not have. Addresses that never change are mapped read-only. The rest keeps what is in memory small: unused functions are
# left out, equal ones are one, nothing is exported, relocations are packed, and what runs lies together
# (packaging/symbol-order). docs/benchmarks.md has what each of them brought.
readonly static_libraries=$PWD/.build/static
readonly release_flags=(-c release --static-swift-stdlib
    -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now -Xlinker --build-id=sha1
    -Xswiftc -Osize -Xswiftc -Xfrontend -Xswiftc -function-sections
    -Xswiftc -use-ld=lld -Xlinker --icf=all -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs
    -Xlinker "--symbol-ordering-file=$PWD/packaging/symbol-order.txt" -Xlinker --no-warn-symbol-ordering
    -Xswiftc "-L$static_libraries")

# Nothing but libstdc++'s archive, in a place that the linker looks at before the shared one's.
prepare_static_libraries() {
    mkdir -p "$static_libraries"
    ln -sf "$(gcc -print-file-name=libstdc++.a)" "$static_libraries/"
}

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" -eq 0 ] || fail "root is needed to boot machines: run \`sudo make $1\`."
}
