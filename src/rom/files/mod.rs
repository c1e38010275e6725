//! Files of a decomposition and of an evaluation, in the layout of wsindy-manifold.
//!
//! | module       | holds                                                                       |
//! |--------------|-----------------------------------------------------------------------------|
//! | `basis`      | `pod_basis.npz`, `X_train_mean.npy`, `shift_align.npz`                      |
//! | `settings`   | the objects `rom` and `eval` of a configuration                             |
//! | `evaluation` | `test_results.csv`, `metrics_summary_*.json`, and the series of each run    |

pub mod basis;
pub mod evaluation;
pub mod settings;
