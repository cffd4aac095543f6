//! A folder whose files become objects: the first part of a file's path is its bucket, the rest its key.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

use crate::error::{Failure, Status};
use crate::spec::values::BucketName;

/// What such a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Where it is.
    pub folder: PathBuf,
    /// The folders right in it, in order of name; one may be empty.
    pub buckets: Vec<BucketName>,
    /// The files below those, in order of path.
    pub objects: Vec<Object>,
}

/// A file that becomes an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: String,
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

impl Seed {
    /// Reads a folder; hidden files directly in it, which are in no bucket, are skipped.
    ///
    /// # Errors
    /// Bad usage where there is no such folder, where a name in it is none for a bucket, or where something is no file.
    pub fn read(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            let hint = "the path is relative to the cluster's folder";
            return Err(refused(format!("there is no folder `{}`", folder.display()), hint));
        }
        let mut seed = Self { folder: folder.to_owned(), buckets: Vec::new(), objects: Vec::new() };
        for path in entries(folder)? {
            let name = name_of(&path)?;
            if path.is_dir() {
                let hint = "a folder right in the seed's is a bucket";
                let bucket: BucketName = name
                    .parse()
                    .map_err(|problem| refused(format!("`{}`: {problem}", path.display()), hint))?;
                seed.add(&bucket, &path, "")?;
                seed.buckets.push(bucket);
            } else if !name.starts_with('.') {
                let message = format!("`{}` is in no bucket", path.display());
                return Err(refused(message, "a file lies in a folder, whose name is its bucket"));
            }
        }
        Ok(seed)
    }

    /// Adds the files in a folder, whose keys begin so.
    fn add(&mut self, bucket: &BucketName, folder: &Path, start: &str) -> Result<()> {
        for path in entries(folder)? {
            let key = format!("{start}{}", name_of(&path)?);
            let file = fs::metadata(&path)?;
            if file.is_dir() {
                // It may lead to where this reading came from.
                if path.is_symlink() {
                    let message = format!("`{}` is a link to a folder", path.display());
                    return Err(refused(message, "put the folder itself there"));
                }
                self.add(bucket, &path, &format!("{key}/"))?;
            } else if file.is_file() {
                self.objects.push(Object { bucket: bucket.clone(), key, path, size: file.len() });
            } else {
                let hint = "files become objects, and folders parts of their keys";
                return Err(refused(format!("`{}` is no file", path.display()), hint));
            }
        }
        Ok(())
    }
}

/// What lies in a folder, in order of name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let paths: Result<Vec<PathBuf>, std::io::Error> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.sort();
    Ok(paths)
}

/// The last part of a path, which must be text.
fn name_of(path: &Path) -> Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| refused(format!("`{}` is no text", path.display()), "a key is text in UTF-8"))
}

fn refused(message: impl fmt::Display, hint: &str) -> anyhow::Error {
    Failure::new(Status::Usage, format!("seed: {message}")).with_hint(hint).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "seed").expect("a file");
        }
        folder
    }

    #[test]
    fn the_first_part_of_a_path_is_the_bucket_and_the_rest_the_key() {
        let folder = folder(&["two/b", "one/a/b.txt", "one/.c", ".DS_Store"]);
        fs::create_dir(folder.path().join("empty")).expect("a folder");
        let seed = Seed::read(folder.path()).expect("a good one");
        assert_eq!(seed.buckets.iter().map(BucketName::as_str).collect::<Vec<_>>(), ["empty", "one", "two"]);
        let objects = seed.objects.iter().map(|one| (one.bucket.as_str(), one.key.as_str(), one.size));
        assert_eq!(objects.collect::<Vec<_>>(), [("one", ".c", 4), ("one", "a/b.txt", 4), ("two", "b", 4)]);
    }

    #[test]
    fn what_can_be_no_object_is_refused_with_its_path() {
        let problem = |files: &[&str], then: &dyn Fn(&Path)| {
            let folder = folder(files);
            then(folder.path());
            let error = Seed::read(folder.path()).expect_err("a bad one").to_string();
            error.replace(&folder.path().display().to_string(), "DIR")
        };
        let nothing = |_: &Path| {};
        assert_eq!(problem(&["readme.md"], &nothing), "seed: `DIR/readme.md` is in no bucket");
        assert!(
            problem(&["No/a"], &nothing).starts_with("seed: `DIR/No`: S3 takes no bucket by the name `No`")
        );
        let link = |path: &Path| {
            fs::os::unix::fs::symlink(path, path.join("one/again")).expect("a link");
        };
        assert_eq!(problem(&["one/a"], &link), "seed: `DIR/one/again` is a link to a folder");
        let gone = Seed::read(Path::new("no/such")).expect_err("no folder").to_string();
        assert_eq!(gone, "seed: there is no folder `no/such`");
    }
}
