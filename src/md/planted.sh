# Faults that ci/whole.sh plants in this chapter, one by one.

kernel=src/md/potentials/lj/kernel.rs argon=md/step-lj-ar/n256
# A second root for each pair, which the compiler cannot see to be the first one.
plant root 3 "$argon" "$argon" 'instructions .*\(\+|slower' "$kernel" 'let inverse = r2.inverse_root().keep(near);' \
  'std::hint::black_box(std::hint::black_box(r2).inverse_root()); let inverse = r2.inverse_root().keep(near);'
plant hungry 3 "$argon" "$argon" 'heap blocks' "$kernel" 'R::on(isa,' 'drop(std::hint::black_box(Box::new(lj.cutoff))); R::on(isa,'
# The sum over a row forgets its last atom.
plant lane 4 "$argon" "$argon" "$argon" src/md/lanes/x86/mod.rs '(a[0] + a[2]) + (a[1] + a[3])' '(a[0] + a[2]) + a[1]'
