//! `as materialized` before a step of a WITH: the parser knows it in another dialect only, so it is read here.

use datafusion::sql::sqlparser::ast::{CteAsMaterialized, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::statement::position;

/// A SQL text with blanks where the hints stood, and where that was.
pub(crate) struct Hinted {
    pub(crate) text: String,
    places: Vec<(u64, u64)>,
}

impl Hinted {
    /// The error is the place of a hint that is not in the outermost WITH.
    pub(crate) fn new(text: &str) -> Result<Self, (u64, u64)> {
        let mut hinted = Self { text: text.to_owned(), places: Vec::new() };
        // What can't be cut into words is the parser's to complain about.
        let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().unwrap_or_default();
        let words: Vec<&TokenWithSpan> = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
        let mut depth = 0_usize;
        for (at, word) in words.iter().enumerate() {
            match word.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            let follows = words.get(at + 1).is_some_and(|next| next.token == Token::LParen) && at > 0 && is(&words[at - 1].token, Keyword::AS);
            if is(&word.token, Keyword::MATERIALIZED) && follows {
                let Some(place) = position(word.span.start) else { continue };
                if depth > 0 {
                    return Err(place);
                }
                hinted.blank(word.span.start, word.span.end);
                hinted.places.push(place);
            }
        }
        Ok(hinted)
    }

    /// Blanks, so that the places of all else stay.
    fn blank(&mut self, start: Location, end: Location) {
        let lines: Vec<String> = self
            .text
            .split('\n')
            .zip(1_u64..)
            .map(|(line, number)| {
                if number != start.line {
                    return line.to_owned();
                }
                line.chars().zip(1_u64..).map(|(sign, column)| if (start.column..end.column).contains(&column) { ' ' } else { sign }).collect()
            })
            .collect();
        self.text = lines.join("\n");
    }

    /// Puts the hints on the steps that they stand before.
    pub(crate) fn mark(&self, statement: &mut Statement) {
        let Statement::Query(query) = statement else { return };
        let Some(with) = query.with.as_mut() else { return };
        for place in &self.places {
            let before = |start: Location| position(start).is_some_and(|start| start < *place);
            if let Some(cte) = with.cte_tables.iter_mut().rev().find(|cte| before(cte.alias.name.span.start)) {
                cte.materialized = Some(CteAsMaterialized::Materialized);
            }
        }
    }
}

fn is(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.keyword == keyword && word.quote_style.is_none())
}
