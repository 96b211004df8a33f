# Sourced by the benchmarks: runs contenders, records the cost of each run, and prints medians as Markdown.
# shellcheck shell=bash
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$bench/../.." && pwd)
lab=$repository/tests/KvmBackup.Lab/lab.sh

say() { printf 'bench: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# need PROGRAM PACKAGE..: checks programs that a benchmark requires and the lab does not install.
need() {
  local missing=()
  while (( $# > 0 )); do
    command -v "$1" >/dev/null || missing+=("$2")
    shift 2
  done
  (( ${#missing[@]} == 0 )) || fail "packages are missing: apt-get install --no-install-recommends ${missing[*]}"
}

# enter_lab SCRIPT ARG..: publishes the program, and runs the script again inside a new lab.
enter_lab() {
  local status=0
  need dotnet dotnet-sdk-10.0 /usr/bin/time time
  "$lab" realistic
  outside=$(mktemp -d)
  trap 'rm -rf "$outside"' EXIT
  dotnet publish "$repository/src/KvmBackup" --configuration Release --output "$outside/program" \
    --artifacts-path "$outside/artifacts" --verbosity quiet --nologo >&2
  rm -rf "$outside/artifacts"
  KVMBACKUP_BENCH_PROGRAM=$outside/program/kvmbackup "$lab" run "$@" || status=$?
  return "$status"
}

is_inside() { [[ -n ${KVMBACKUP_LAB_DIR:-} && -n ${KVMBACKUP_BENCH_PROGRAM:-} ]]; }

# read_options "NAME.." ARG..: each --NAME VALUE sets the variable NAME; other options are refused.
read_options() {
  local names=$1
  shift
  while (( $# > 0 )); do
    [[ $1 = --* && " $names " = *" ${1#--} "* ]] || fail "unknown option '$1'; see the head of $0"
    (( $# > 1 )) || fail "$1 requires a value; see the head of $0"
    printf -v "${1#--}" %s "$2"
    shift 2
  done
}

# wanted NAME LIST: whether a comma-separated list contains a name; "all" contains every name.
wanted() { [[ $2 = all || ,$2, = *,$1,* ]]; }

# kvmbackup CONFIG ARG..
kvmbackup() { "$KVMBACKUP_BENCH_PROGRAM" --quiet --config "$1" "${@:2}"; }

# --- the cost of one run -------------------------------------------------------------------------------------------

results=
# Servers that are no child processes, QEMU and the OSD: their cost during the run is counted, too.
servers=()

start_results() { results=$KVMBACKUP_LAB_DIR/results.tsv; : >"$results"; }

# Prints ticks, bytes read and bytes written of the servers.
account() {
  local pid ticks=0 read=0 written=0 fields line
  for pid in ${servers[@]+"${servers[@]}"}; do
    line=$(<"/proc/$pid/stat")
    read -ra fields <<<"${line##*) }"
    ticks=$(( ticks + fields[11] + fields[12] ))
    while read -ra fields; do
      case ${fields[0]} in
        read_bytes:) read=$(( read + fields[1] )) ;;
        write_bytes:) written=$(( written + fields[1] )) ;;
      esac
    done <"/proc/$pid/io"
  done
  printf '%d %d %d\n' "$ticks" "$read" "$written"
}

# measure COMMAND ARG..: runs it, and sets `cost` for record. GNU time counts the program and the children that it
# waited for; the memory is that of the largest process. Blocks have 512 bytes; only reads from the disk are counted.
measure() {
  local before after
  sync
  read -ra before < <(account)
  /usr/bin/time --quiet --output "$KVMBACKUP_LAB_DIR/time" --format '%e %U %S %M %I %O' -- "$@" \
    >"$KVMBACKUP_LAB_DIR/output" 2>&1 || { tail -20 "$KVMBACKUP_LAB_DIR/output" >&2; fail "failed: $*"; }
  read -ra after < <(account)
  cost=$(tail -1 "$KVMBACKUP_LAB_DIR/time" | awk -v ticks=$(( after[0] - before[0] )) -v hertz="$(getconf CLK_TCK)" \
    -v read=$(( after[1] - before[1] )) -v written=$(( after[2] - before[2] )) \
    '{ printf "%.3f\t%.3f\t%.0f\t%.0f\t%.0f",
         $1, $2 + $3 + ticks / hertz, $4 * 1024, $5 * 512 + read, $6 * 512 + written }')
}

# record GROUP CONTENDER SIZE [OVERLAY-SECONDS FREEZE-SECONDS]
record() {
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$cost" "$3" "${4:--}" "${5:--}" >>"$results"
  say "$1 · $2: $(cut -f1 <<<"$cost") s"
}

# --- the table -----------------------------------------------------------------------------------------------------

# table GROUP REFERENCE: prints the median of each contender in the order of the first runs, and ratios to the
# reference.
table() {
  printf '\n**%s** (1.00 is %s)\n\n' "$1" "$2"
  printf '| contender | seconds | ratio | CPU s | peak MB | read MB | written MB | size MB '
  printf '| on overlay s | frozen s |\n'
  printf '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n'
  awk -F'\t' -v group="$1" -v reference="$2" '
    function median(name, column,   values, count, i, j, swap) {
      count = 0
      for (i = 1; i <= runs[name]; i++) if (value[name, column, i] != "-") values[++count] = value[name, column, i] + 0
      if (count == 0) return "-"
      for (i = 2; i <= count; i++)
        for (j = i; j > 1 && values[j] < values[j - 1]; j--) {
          swap = values[j]; values[j] = values[j - 1]; values[j - 1] = swap
        }
      return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
    }
    function number(amount, format) { return amount == "-" ? "–" : sprintf(format, amount) }
    function megabytes(amount) { return amount == "-" ? "–" : sprintf("%.0f", amount / 1e6) }
    $1 == group {
      if (!($2 in runs)) names[++many] = $2
      runs[$2]++
      for (column = 3; column <= 10; column++) value[$2, column, runs[$2]] = $column
    }
    END {
      base = median(reference, 3)
      for (i = 1; i <= many; i++) {
        name = names[i]; seconds = median(name, 3)
        printf "| %s | %.2f | %s | %.2f | %s | %s | %s | %s | %s | %s |\n", name, seconds,
          base == "-" || base == 0 ? "–" : sprintf("%.2f", seconds / base), median(name, 4),
          megabytes(median(name, 5)), megabytes(median(name, 6)), megabytes(median(name, 7)),
          megabytes(median(name, 8)), number(median(name, 9), "%.2f"), number(median(name, 10), "%.3f")
      }
    }' "$results"
}

# machine ROUNDS: prints a line about the machine, below the tables.
machine() {
  printf '\n%s × %s, %s; load at the end %s; medians of %s alternating rounds. MB are 10⁶ bytes.\n' \
    "$(nproc)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
    "$(awk '/MemTotal/ { printf "%.0f GB of memory", $2 / 1e6 }' /proc/meminfo)" "$(cut -d' ' -f1 /proc/loadavg)" "$1"
}

# bytes_below DIRECTORY: prints the total size of its files.
bytes_below() { find "$1" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%.0f", sum }'; }
