//! The pages under docs/channels/ say what the channel files say.

use crate::support::{project, root};

#[test]
fn pages_are_up_to_date() {
    let project = project();
    let folder = root().join("docs/channels");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut stale = Vec::new();
    for channel in project.channels.values() {
        let (path, page) = (folder.join(format!("{}.md", channel.name)), takings_draft::page(channel, &project.tables));
        if std::fs::read_to_string(&path).is_ok_and(|known| known == page) {
            continue;
        }
        stale.push(channel.name.as_str());
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, page).unwrap();
        }
    }
    let others: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.strip_suffix(".md").is_none_or(|name| !project.channels.contains_key(name)))
        .collect();
    assert_eq!(others, [] as [String; 0], "pages of no channel");
    assert!(update || stale.is_empty(), "run `UPDATE_EXPECT=1 cargo test --release -p takings-draft` for {}", stale.join(", "));
}
