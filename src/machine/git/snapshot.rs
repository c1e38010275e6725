//! A state of the sources: a commit, or the files of a working tree as they are, submodules included.
//!
//! Files of a working tree become objects in a folder of their own, by an index of its own: the
//! repository stays as it is, and no modification time says what changed. Nothing is fetched.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use super::worktree::{Error, Repository, Untracked, command, done, git, ran, remove};

/// The trees of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The commit, or that on which the working tree is based.
    pub(crate) commit: String,
    /// Whether the files differ from that commit.
    pub(crate) is_dirty: bool,
    /// The submodules whose repository is not here, from the root; their folders are empty.
    pub(crate) absent: Vec<PathBuf>,
    /// The repositories in the working tree that are no submodules, from the root: they are left out.
    pub(crate) nested: Vec<PathBuf>,
    /// The repository and its submodules, each after that around it.
    parts: Vec<Part>,
}

/// The tree of a repository or of a submodule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// Its folder, from the root.
    at: PathBuf,
    git_dir: PathBuf,
    tree: String,
    /// The objects of files that are not committed.
    objects: Option<Objects>,
}

/// A folder of objects on top of those of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Objects {
    own: PathBuf,
    below: PathBuf,
}

impl Objects {
    fn add_to(&self, git: &mut Command) {
        git.env("GIT_OBJECT_DIRECTORY", &self.own);
        git.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &self.below);
    }
}

impl Part {
    /// Git over this tree's objects.
    fn git(&self, folder: &Path) -> Command {
        let mut git = command(folder);
        git.arg("--git-dir").arg(&self.git_dir);
        self.objects.iter().for_each(|objects| objects.add_to(&mut git));
        git
    }

    /// The submodules: their folders in this tree, with the commits that they shall be at.
    fn links(&self) -> Result<Vec<(PathBuf, String)>, Error> {
        let said =
            done(self.git(&self.git_dir).args(["ls-tree", "-r", "-z", "--full-tree", &self.tree]))?;
        let links = said.split('\0').filter_map(|line| {
            let (about, path) = line.strip_prefix("160000 commit ")?.split_once('\t')?;
            Some((PathBuf::from(path), about.trim().to_owned()))
        });
        Ok(links.collect())
    }

    /// The name of each submodule, by its folder.
    fn names(&self) -> Result<BTreeMap<PathBuf, String>, Error> {
        let file = format!("--blob={}:.gitmodules", self.tree);
        let mut git = self.git(&self.git_dir);
        git.args(["config", "-z", &file, "--get-regexp", r"^submodule\..*\.path$"]);
        let said = git.output().map_err(Error::Missing)?;
        let said = String::from_utf8_lossy(&said.stdout);
        let names = said.split('\0').filter_map(|line| {
            let (key, path) = line.split_once('\n')?;
            let name = key.strip_prefix("submodule.")?.strip_suffix(".path")?;
            Some((PathBuf::from(path), name.to_owned()))
        });
        Ok(names.collect())
    }
}

impl Snapshot {
    /// A commit.
    ///
    /// # Errors
    ///
    /// If a submodule is here but not the commit that it shall be at.
    pub(crate) fn of_commit(repository: &Repository, commit: &str) -> Result<Self, Error> {
        let mut new = Self::empty(commit.to_owned());
        let git_dir = git_dir(repository.top())?;
        new.add_commit(PathBuf::new(), git_dir, repository.top(), commit)?;
        Ok(new)
    }

    /// The files of the working tree, whose objects go to the folder `scratch`.
    pub(crate) fn of_working_tree(repository: &Repository, scratch: &Path) -> Result<Self, Error> {
        remove(scratch)?;
        let mut new = Self::empty(ran(repository.top(), ["rev-parse", "HEAD"])?);
        new.add_files(PathBuf::new(), repository.top(), scratch)?;
        Ok(new)
    }

    fn empty(commit: String) -> Self {
        let (absent, nested) = (Vec::new(), Vec::new());
        Self { commit, is_dirty: false, absent, nested, parts: Vec::new() }
    }

    fn add_commit(
        &mut self,
        at: PathBuf,
        git_dir: PathBuf,
        top: &Path,
        commit: &str,
    ) -> Result<(), Error> {
        let tree = tree_of(&git_dir, commit)?;
        let part = Part { at: at.clone(), git_dir, tree, objects: None };
        let links = part.links()?;
        let names = if links.is_empty() { BTreeMap::new() } else { part.names()? };
        let around = part.git_dir.clone();
        self.parts.push(part);
        for (path, wanted) in links {
            let inside = at.join(&path);
            let name = names.get(&path).map(String::as_str);
            let Some(dir) = module(&top.join(&inside), &around, name)? else {
                self.absent.push(inside);
                continue;
            };
            if tree_of(&dir, &wanted).is_err() {
                let of = commit[..12.min(commit.len())].to_owned();
                return Err(Error::Submodule { path: inside, commit: wanted, of });
            }
            self.add_commit(inside, dir, top, &wanted)?;
        }
        Ok(())
    }

    fn add_files(&mut self, at: PathBuf, top: &Path, scratch: &Path) -> Result<(), Error> {
        let (work, number) = (top.join(&at), self.parts.len());
        let below = ran(&work, ["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
        let own = scratch.join(format!("objects{number}"));
        fs::create_dir_all(&own).map_err(|source| Error::Io { path: own.clone(), source })?;
        let objects = Objects { own, below: below.into() };
        let index = scratch.join(format!("index{number}"));
        let on_index = |args: &[&str]| {
            let mut git = command(&work);
            objects.add_to(&mut git);
            git.env("GIT_INDEX_FILE", &index).args(args);
            git
        };
        let head = git(&work, ["rev-parse", "--verify", "--quiet", "HEAD^{tree}"])?.ok();
        done(&mut on_index(&["read-tree", head.as_deref().unwrap_or("--empty")]))?;
        leave(&skipped(&work)?, on_index(&["update-index", "--skip-worktree", "-z", "--stdin"]))?;
        done(&mut on_index(&["add", "--update", "--", ":/"]))?;
        let Untracked { built, nested, .. } = Untracked::of(&work)?;
        let but = |path: &PathBuf| format!(":(top,exclude,literal){}", path.display());
        let but: Vec<String> = built.iter().chain(&nested).map(but).collect();
        let all = ["add", "--all", "--", ":/"].into_iter().chain(but.iter().map(String::as_str));
        done(&mut on_index(&all.collect::<Vec<_>>()))?;
        self.nested.extend(nested.into_iter().map(|path| at.join(path)));
        let tree = done(&mut on_index(&["write-tree"]))?;
        self.is_dirty |= head.as_ref() != Some(&tree);
        let git_dir = git_dir(&work)?;
        let part = Part { at: at.clone(), git_dir, tree, objects: Some(objects) };
        let links = part.links()?;
        self.parts.push(part);
        for (path, _) in links {
            let inside = at.join(path);
            if top.join(&inside).join(".git").exists() {
                self.add_files(inside, top, scratch)?;
            } else {
                self.absent.push(inside);
            }
        }
        Ok(())
    }

    /// A line for each tree: equal ones have equal files.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.parts.iter().map(|part| format!("{} {}", part.tree, part.at.display())).collect()
    }

    /// Which of these files and folders, from the root, are others in `old`, outside submodules.
    pub(crate) fn others(&self, old: &Self, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
        let [Some(new), Some(old)] = [self, old].map(|of| of.parts.first()) else {
            return Ok(Vec::new());
        };
        let mut git = new.git(&new.git_dir);
        git.args(["--literal-pathspecs", "diff-tree", "-r", "-z", "--name-only", "--no-renames"]);
        let said = done(git.args([&old.tree, &new.tree]).arg("--").args(paths))?;
        Ok(said.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect())
    }

    /// Whether it has a file, from the root, outside submodules.
    pub(crate) fn has(&self, file: &Path) -> Result<bool, Error> {
        let Some(root) = self.parts.first() else { return Ok(false) };
        let name = format!("{}:{}", root.tree, file.display());
        let mut git = root.git(&root.git_dir);
        let out = git.args(["cat-file", "-e", &name]).output().map_err(Error::Missing)?;
        Ok(out.status.success())
    }

    /// Makes the files of `folder` these and no others, but for `.git`; every one is written anew.
    pub(crate) fn lay_out(&self, folder: &Path, scratch: &Path) -> Result<(), Error> {
        let io = |path: &Path| {
            let path = path.to_owned();
            |source| Error::Io { path, source }
        };
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            let path = entry.map_err(io(folder))?.path();
            if path.file_name().is_some_and(|name| name != ".git") {
                remove(&path)?;
            }
        }
        fs::create_dir_all(scratch).map_err(io(scratch))?;
        let index = scratch.join("laid-out");
        for part in &self.parts {
            let into = folder.join(&part.at);
            fs::create_dir_all(&into).map_err(io(&into))?;
            remove(&index)?;
            let mut git = part.git(&into);
            git.arg("--work-tree").arg(&into).env("GIT_INDEX_FILE", &index);
            done(git.args(["read-tree", "--reset", "-u", &part.tree]))?;
        }
        Ok(())
    }
}

/// The folder that git keeps of a working tree.
fn git_dir(work: &Path) -> Result<PathBuf, Error> {
    ran(work, ["rev-parse", "--absolute-git-dir"]).map(PathBuf::from)
}

/// The tree of a commit.
fn tree_of(git_dir: &Path, commit: &str) -> Result<String, Error> {
    let tree = format!("{commit}^{{tree}}");
    done(command(git_dir).arg("--git-dir").arg(git_dir).args(["rev-parse", "--verify", &tree]))
}

/// The folder that git keeps of a submodule: where its files are checked out, that which belongs to
/// them, else the one of its name in the repository around it.
fn module(work: &Path, around: &Path, name: Option<&str>) -> Result<Option<PathBuf>, Error> {
    if work.join(".git").exists() {
        return git_dir(work).map(Some);
    }
    let Some(name) = name else { return Ok(None) };
    let common = command(around)
        .arg("--git-dir")
        .arg(around)
        .args(["rev-parse", "--path-format=absolute", "--git-common-dir"])
        .output()
        .map_err(Error::Missing)?;
    let common = PathBuf::from(String::from_utf8_lossy(&common.stdout).trim_end());
    let all = [around, &common].map(|dir| dir.join("modules").join(name));
    Ok(all.into_iter().find(|dir| dir.join("HEAD").is_file()))
}

/// The files that a sparse checkout leaves out, each with a zero byte behind it.
fn skipped(work: &Path) -> Result<String, Error> {
    let said = ran(work, ["ls-files", "-t", "-z"])?;
    let skipped = said.split('\0').filter_map(|line| line.strip_prefix("S "));
    Ok(skipped.flat_map(|path| [path, "\0"]).collect())
}

/// Runs a command on a list of files, if there are any.
fn leave(files: &str, mut git: Command) -> Result<(), Error> {
    if files.is_empty() {
        return Ok(());
    }
    let mut child = git.stdin(Stdio::piped()).spawn().map_err(Error::Missing)?;
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    let ended = thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(files.as_bytes()));
        child.wait()
    });
    let said = match ended {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(why) => why.to_string(),
    };
    Err(Error::Failed { command: "update-index --skip-worktree".to_owned(), said })
}
