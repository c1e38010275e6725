# Faults that ci/whole.sh plants in this chapter, one by one. Nothing is counted of these cases: only
# the pairs can tell.

cases=src/stream/cases.rs write=stream/write/mib128
plant stream 3 stream/ "$write" 'slower' "$cases" 'write(&mut self.0, VALUE);' \
  'write(&mut self.0, VALUE); write(&mut self.0[..WORDS / 8], VALUE);'
plant removed 5 stream/ "$write" 'gone' "$cases" \
  'Case::new("stream/write/mib128", "portable", work, writing).timed_only().exact(),' ''
