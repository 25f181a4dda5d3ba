//! Prints the draft of a file: `cargo run --release -p takings-draft --example draft -- FILE NAME`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let (file, name) = (given.next().ok_or("which file?")?, given.next().unwrap_or_else(|| "draft".to_owned()));
    let draft = takings_draft::channel(&std::fs::read(&file)?, file.rsplit('/').next().unwrap_or(&file), &name)?;
    println!("{}", draft.channel_toml);
    for (name, text) in &draft.table_tomls {
        println!("---- {name}\n{text}");
    }
    draft.notes.iter().for_each(|note| println!("note: {note}"));
    Ok(())
}
