//! The elements: symbols, atomic numbers and masses.
//!
//! Masses are those that ASE gives its atoms, so that its momenta keep their temperature: standard
//! atomic weights, abridged where the composition varies in nature, and the mass of one isotope
//! where there is no natural composition.
//!
//! Source: J. Meija et al., "Atomic weights of the elements 2013", Pure and Applied Chemistry 88
//! (2016) 265-291; `ase.data.atomic_masses_iupac2016`.

/// The atomic number of an element, if `symbol` is one.
pub(super) fn number(symbol: &str) -> Option<usize> {
    ELEMENTS.iter().position(|(known, _)| *known == symbol).map(|at| at + 1)
}

/// The symbol of the element with this atomic number.
pub(super) fn symbol(number: usize) -> Option<&'static str> {
    ELEMENTS.get(number.checked_sub(1)?).map(|(symbol, _)| *symbol)
}

/// The mass of an element in amu.
pub(super) fn mass(symbol: &str) -> Option<f64> {
    ELEMENTS.iter().find(|(known, _)| *known == symbol).map(|(_, mass)| *mass)
}

/// Symbols and masses in amu, by atomic number from 1.
const ELEMENTS: [(&str, f64); 118] = [
    ("H", 1.008),
    ("He", 4.002602),
    ("Li", 6.94),
    ("Be", 9.012_183_1),
    ("B", 10.81),
    ("C", 12.011),
    ("N", 14.007),
    ("O", 15.999),
    ("F", 18.998_403_163),
    ("Ne", 20.1797),
    ("Na", 22.989_769_28),
    ("Mg", 24.305),
    ("Al", 26.981_538_5),
    ("Si", 28.085),
    ("P", 30.973_761_998),
    ("S", 32.06),
    ("Cl", 35.45),
    ("Ar", 39.948),
    ("K", 39.0983),
    ("Ca", 40.078),
    ("Sc", 44.955908),
    ("Ti", 47.867),
    ("V", 50.9415),
    ("Cr", 51.9961),
    ("Mn", 54.938044),
    ("Fe", 55.845),
    ("Co", 58.933194),
    ("Ni", 58.6934),
    ("Cu", 63.546),
    ("Zn", 65.38),
    ("Ga", 69.723),
    ("Ge", 72.630),
    ("As", 74.921595),
    ("Se", 78.971),
    ("Br", 79.904),
    ("Kr", 83.798),
    ("Rb", 85.4678),
    ("Sr", 87.62),
    ("Y", 88.90584),
    ("Zr", 91.224),
    ("Nb", 92.90637),
    ("Mo", 95.95),
    ("Tc", 97.90721),
    ("Ru", 101.07),
    ("Rh", 102.90550),
    ("Pd", 106.42),
    ("Ag", 107.8682),
    ("Cd", 112.414),
    ("In", 114.818),
    ("Sn", 118.710),
    ("Sb", 121.760),
    ("Te", 127.60),
    ("I", 126.90447),
    ("Xe", 131.293),
    ("Cs", 132.905_451_96),
    ("Ba", 137.327),
    ("La", 138.90547),
    ("Ce", 140.116),
    ("Pr", 140.90766),
    ("Nd", 144.242),
    ("Pm", 144.91276),
    ("Sm", 150.36),
    ("Eu", 151.964),
    ("Gd", 157.25),
    ("Tb", 158.92535),
    ("Dy", 162.500),
    ("Ho", 164.93033),
    ("Er", 167.259),
    ("Tm", 168.93422),
    ("Yb", 173.054),
    ("Lu", 174.9668),
    ("Hf", 178.49),
    ("Ta", 180.94788),
    ("W", 183.84),
    ("Re", 186.207),
    ("Os", 190.23),
    ("Ir", 192.217),
    ("Pt", 195.084),
    ("Au", 196.966569),
    ("Hg", 200.592),
    ("Tl", 204.38),
    ("Pb", 207.2),
    ("Bi", 208.98040),
    ("Po", 208.98243),
    ("At", 209.98715),
    ("Rn", 222.01758),
    ("Fr", 223.01974),
    ("Ra", 226.02541),
    ("Ac", 227.02775),
    ("Th", 232.0377),
    ("Pa", 231.03588),
    ("U", 238.02891),
    ("Np", 237.04817),
    ("Pu", 244.06421),
    ("Am", 243.06138),
    ("Cm", 247.07035),
    ("Bk", 247.07031),
    ("Cf", 251.07959),
    ("Es", 252.0830),
    ("Fm", 257.09511),
    ("Md", 258.09843),
    ("No", 259.1010),
    ("Lr", 262.110),
    ("Rf", 267.122),
    ("Db", 268.126),
    ("Sg", 271.134),
    ("Bh", 270.133),
    ("Hs", 269.1338),
    ("Mt", 278.156),
    ("Ds", 281.165),
    ("Rg", 281.166),
    ("Cn", 285.177),
    ("Nh", 286.182),
    ("Fl", 289.190),
    ("Mc", 289.194),
    ("Lv", 293.204),
    ("Ts", 293.208),
    ("Og", 294.214),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_and_symbols_are_each_other_s_inverse() {
        for n in 1..=118 {
            assert_eq!(symbol(n).and_then(number), Some(n), "{n}");
        }
        assert_eq!([symbol(0), symbol(119), symbol(usize::MAX)], [None; 3], "no elements");
        for (n, s) in [(1, "H"), (14, "Si"), (18, "Ar"), (26, "Fe"), (74, "W"), (118, "Og")] {
            assert_eq!(symbol(n), Some(s), "{n}");
        }
        assert_eq!(
            ELEMENTS.map(|(s, _)| s).iter().collect::<BTreeSet<_>>().len(),
            118,
            "each once"
        );
    }

    /// Argon before potassium, and so on.
    #[test]
    fn masses_grow_with_the_number_but_for_the_known_exceptions() {
        let falls = ELEMENTS.windows(2).filter(|pair| pair[0].1 > pair[1].1);
        let falls: Vec<_> = falls.map(|pair| pair[0].0).collect();
        assert!(falls.starts_with(&["Ar", "Co", "Te", "Th"]), "{falls:?}");
        assert_eq!([mass("H"), mass("Xx"), mass("si")], [Some(1.008), None, None], "by symbol");
    }
}
