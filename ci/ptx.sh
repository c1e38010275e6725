#!/usr/bin/env bash
# Compiles every src/**/*.cu again and fails where the committed PTX differs, or a kernel needs stack
# or more registers than the `.registers` beside its source allows. `ci/ptx.sh --write` replaces the
# committed PTX. Needs no GPU; the compiler comes from PyPI, at fixed versions, into target/ptx.
set -euo pipefail
cd "$(dirname "$0")/.."

wheels=(
  nvidia-cuda-nvrtc==13.0.88
  nvidia-cuda-nvcc==13.0.88 # ptxas
  nvidia-cuda-cuobjdump==13.2.51
)

work=target/ptx
venv=$work/venv
ci/wheels.sh "$venv" "${wheels[@]}"
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
tools=$site/nvidia/cu13/bin

bad=0
while read -r source; do
  ptx=${source%.cu}.ptx
  name=$(basename "$ptx" .ptx)
  limits=$(grep -v '^#' "${source%.cu}.registers" | tr '\n' ' ')
  "$venv/bin/python" ci/nvrtc.py "$site" "$source" "$work/$name.ptx"
  if [ "${1:-}" = --write ]; then
    cp "$work/$name.ptx" "$ptx"
    echo "ptx.sh: wrote $ptx"
  elif cmp "$work/$name.ptx" "$ptx"; then
    echo "ptx.sh: $ptx is what $source compiles to"
  else
    echo "ptx.sh: $ptx is not what $source compiles to; run ci/ptx.sh --write and commit it" >&2
    bad=1
  fi
  for arch in sm_75 sm_90; do
    cubin=$work/$name.$arch.cubin
    "$tools/ptxas" -O3 -arch=$arch "$work/$name.ptx" -o "$cubin"
    "$tools/cuobjdump" -res-usage "$cubin" 2>&1 |
      grep -oE 'Function [a-z0-9_]+|REG:[0-9]+|STACK:[0-9]+|LOCAL:[0-9]+' | sed -E 's/.*[ :]//' | paste - - - - |
      awk -v arch=$arch -v limits="$limits" '
        BEGIN { n = split(limits, words, " "); for (i = 1; i < n; i += 2) limit[words[i]] = words[i + 1] }
        {
          ok = $1 in limit && $2 <= limit[$1] && $3 == 0 && $4 == 0
          kernels++; bad += !ok
          if (!ok) printf "ptx.sh: %s on %s: %s registers of %s, %s bytes of stack, %s local\n",
            $1, arch, $2, ($1 in limit ? limit[$1] : "no limit: add one"), $3, $4
        }
        END {
          if (!kernels) print "ptx.sh: cuobjdump lists no kernel"
          else if (!bad) printf "ptx.sh: %d kernels on %s keep to their registers and need no stack\n", kernels, arch
          exit bad || !kernels
        }' >&2 || bad=1
  done
done < <(find src -name '*.cu' | sort)
exit $bad
