#!/bin/sh
# The build agent: process 1 of a build container. It follows the lines of a plan and tells
# the server what happens by framed records in its own output, between what commands print.
# Needs a POSIX shell (dash, bash, busybox), cat, env, date, rm and sleep.
#
#   sh agent.sh DIRECTORY STATE
#
# DIRECTORY holds plan, env, nonce, source and scripts/ (see plan.py); STATE is where one
# command leaves its directory and variables to the next.
#
# A frame is: RS nonce sequence word time-or-key rest, on one line (see records.py).
# The plan's lines:
#   shell PATH          which shell runs the scripts
#   fresh 0|1           1: every command begins with the first directory and variables
#   docker 0|1          1: start the image's Docker daemon first, where the image has one
#   phase NAME OK BAD   a phase; OK follows its success, BAD its failure
#   run N USER          a command of the phase, skipped once one has failed
#   finally N USER      a command that runs in any case
#   export N            report an exported variable
#   evaluate N          report the value of an expression

agent=$1
state=$2
exec 2>&1

IFS= read -r nonce < "$agent/nonce"
IFS= read -r source_directory < "$agent/source"
rm -f "$agent/nonce"
sequence=0
child=

moment() {
	moment=$(date +%s%N 2>/dev/null)
	case $moment in
	*[!0-9]* | '') moment=$(date +%s) ;;
	esac
}

tell() {
	sequence=$((sequence + 1))
	printf '\036%s %s %s\n' "$nonce" "$sequence" "$*"
}

tell_now() {
	word=$1
	shift
	moment
	tell "$word" "$moment" "$@"
}

# replace TEXT FROM TO: leaves the result in $replaced.
replace() {
	rest=$1
	replaced=
	while :; do
		case $rest in
		*"$2"*)
			replaced=$replaced${rest%%"$2"*}$3
			rest=${rest#*"$2"}
			;;
		*) break ;;
		esac
	done
	replaced=$replaced$rest
}

newline='
'

# escape TEXT: leaves TEXT on one line in $replaced.
escape() {
	replace "$1" '\' '\\'
	replace "$replaced" "$newline" '\n'
}

begin_state() {
	printf '%s\n' "$source_directory" > "$state/dir.txt"
	cat "$state/first-env.sh" > "$state/env.sh"
}

# run_script FILE USER: runs it and leaves its exit status in $status.
run_script() {
	cat "$1" > "$state/script.sh"
	if [ "$2" = - ]; then
		env -i "$shell" "$state/script.sh" < /dev/null 3<&- &
	elif command -v runuser > /dev/null; then
		runuser -u "$2" -- env -i "$shell" "$state/script.sh" < /dev/null 3<&- &
	else
		su -s /bin/sh "$2" -c "exec env -i $shell $state/script.sh" < /dev/null 3<&- &
	fi
	child=$!
	wait "$child"
	status=$?
	child=
}

run_command() {
	[ "$fresh" = 1 ] && begin_state
	printf "export CODEBUILD_BUILD_SUCCEEDING='%s'\n" "$succeeding" >> "$state/env.sh"
	tell_now command "$1"
	run_script "$agent/scripts/command.$1" "$2"
	tell_now exit "$1" "$status"
	[ "$status" -eq 0 ] || failed=1
}

# report WORD N: the value that a script of that name leaves, if it leaves one.
report() {
	rm -f "$state/value"
	run_script "$agent/scripts/$3.$2" -
	[ -f "$state/value" ] || return 0
	value=$(cat "$state/value" && printf x)
	escape "${value%x}"
	tell "$1" "$2" "$replaced"
	rm -f "$state/value"
}

start_docker() {
	entrypoint=/usr/local/bin/dockerd-entrypoint.sh
	[ -x "$entrypoint" ] || return 0
	"$entrypoint" true < /dev/null 3<&- &
	child=$!
	wait "$child" || tell_now notice "The Docker daemon did not start: $entrypoint failed"
	child=
}

# The layer cache outlives the build, so a Docker daemon is given time to end in order.
stop_docker() {
	[ -r /var/run/docker.pid ] || return 0
	kill -TERM "$(cat /var/run/docker.pid)" 2> /dev/null || return 0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -e /var/run/docker.pid ] || return 0
		sleep 0.5
	done
}

# Process 1 may signal every process of its container; elsewhere only the child is ours.
on_terminate() {
	trap '' TERM
	if [ $$ -eq 1 ]; then
		stop_docker
		kill -TERM -1 2> /dev/null
		sleep 1
		kill -KILL -1 2> /dev/null
	elif [ -n "$child" ]; then
		kill -TERM "$child" 2> /dev/null
	fi
	exit 143
}
trap on_terminate TERM

end_phase() {
	[ -n "$phase" ] || return 0
	tell_now done
	if [ "$failed" = 1 ]; then
		succeeding=0
		next=$on_failure
	else
		next=$on_success
	fi
	phase=
}

mkdir -p "$state"
chmod 0777 "$state"
{
	/bin/sh -c 'export -p'
	cat "$agent/env"
} > "$state/first-env.sh"
rm -f "$agent/env"
begin_state
chmod 0666 "$state/env.sh" "$state/dir.txt"
shell=/bin/sh
fresh=0
succeeding=1
failed=0
phase=
next=INSTALL

while read -r word first second third <&3; do
	case $word in
	shell) shell=$(command -v "$first") || shell=$first ;;
	fresh) fresh=$first ;;
	docker) [ "$first" = 0 ] || start_docker ;;
	phase)
		end_phase
		[ "$first" = "$next" ] || continue
		phase=$first
		on_success=$second
		on_failure=$third
		failed=0
		tell_now phase "$phase"
		;;
	run) [ -z "$phase" ] || [ "$failed" = 1 ] || run_command "$first" "$second" ;;
	finally) [ -z "$phase" ] || run_command "$first" "$second" ;;
	export) report export "$first" export ;;
	evaluate) report value "$first" evaluate ;;
	esac
done 3< "$agent/plan"

tell_now end
[ $$ -ne 1 ] || stop_docker
[ "$succeeding" = 1 ]
