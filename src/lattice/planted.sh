# Faults that ci/whole.sh plants in this chapter, one by one.

# One vector in 47 twice; the last point written is the right one.
call='nearest(self.lattice, &self.x, &mut self.y)'
plant compute 3 nearest lattice/nearest 'instructions .*\(\+2\.' src/lattice/cases/steps.rs "$call" \
  'nearest(self.lattice, &self.x[..self.x.len() / 376 * 8], &mut self.y[..self.x.len() / 376 * 8]).and_then(|()| '"$call)"
kernel=src/lattice/nearest.rs loop='for i in 0..n {' point='y[k * n + i] = p;' e8=lattice/nearest-e8
plant locality 3 -e8 "$e8" 'D1 misses' "$kernel" "$loop" 'for j in 0..n { let i = j % 100 * 100 + j / 100;'
plant heap 3 -e8 "$e8" 'heap blocks' "$kernel" "$point" 'y[k * n + i] = *std::hint::black_box(Box::new(p));'
plant wrong 4 -e8 "$e8" "$e8" "$kernel" "$point" 'y[k * n + i] = -p;'
