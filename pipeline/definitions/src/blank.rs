//! What counts as nothing at the ends of a text: white space of all widths and marks that can't be seen.

/// White space, zero width spaces, byte order marks, and marks of writing direction.
pub fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}')
}

pub fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank)
}
