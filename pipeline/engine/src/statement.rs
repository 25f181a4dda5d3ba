//! One SQL file, parsed: a single SELECT, the tables it names and where, its parameters.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use datafusion::sql::parser::{DFParserBuilder, Statement as DfStatement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, ObjectNamePart, Query, SetExpr, Spanned, Statement, Value, visit_expressions, visit_expressions_mut, visit_relations,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::hints::Hinted;
use crate::{Error, Parameters, Result};

/// In `changed_by`, `changed_<table>` holds the rows of files that came or went.
pub(crate) const CHANGED: &str = "changed_";

/// A parsed SELECT.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub path: PathBuf,
    statement: Box<Statement>,
    references: BTreeSet<String>,
}

/// A function that the SQL calls, or a type that it casts to, and where.
pub(crate) struct Call {
    pub name: String,
    pub at: Option<(u64, u64)>,
}

impl Parsed {
    /// Parses a file's text; anything but one SELECT is refused.
    pub fn new(path: &Path, text: &str) -> Result<Self> {
        let hinted = Hinted::new(text).map_err(|at| Error::sql(path, Some(at), "`as materialized` stands in the outermost WITH only"))?;
        let mut statements = DFParserBuilder::new(hinted.text.as_str())
            .with_dialect(&GenericDialect {})
            .build()
            .and_then(|mut parser| parser.parse_statements())
            .map_err(|error| Error::planning(path, &error))?;
        let (Some(statement), true) = (statements.pop_front(), statements.is_empty()) else {
            return Err(Error::sql(path, None, "a SQL file holds exactly one SELECT"));
        };
        let DfStatement::Statement(mut statement) = statement else {
            return Err(Error::sql(path, None, "only SELECT is allowed here"));
        };
        hinted.mark(&mut statement);
        match &*statement {
            Statement::Query(query) if is_select(query) => {
                let (relations, _) =
                    resolve_table_references(&DfStatement::Statement(statement.clone()), true).map_err(|error| Error::planning(path, &error))?;
                let references = relations.iter().map(|relation| relation.to_string()).collect();
                Ok(Self { path: path.to_owned(), statement, references })
            }
            other => Err(Error::sql(path, position(other.span().start), "only SELECT is allowed here")),
        }
    }

    /// The tables and models it names, without its own CTEs.
    pub fn references(&self) -> &BTreeSet<String> {
        &self.references
    }

    /// Of a `changed_by`: the tables whose changed rows it looks at.
    pub fn looks_at_changes_of(&self) -> BTreeSet<String> {
        self.references.iter().filter_map(|name| name.strip_prefix(CHANGED).map(str::to_owned)).collect()
    }

    /// Line and column at which a table is first named.
    pub(crate) fn place_of(&self, table: &str) -> Option<(u64, u64)> {
        let mut found = None;
        let _ = visit_relations(&self.statement, |name: &ObjectName| {
            let text = name.0.iter().filter_map(ObjectNamePart::as_ident).map(|ident| ident.value.to_lowercase()).collect::<Vec<_>>().join(".");
            if text == table {
                found = position(name.span().start);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }

    /// The parameters it uses, without the `$`.
    pub fn parameters(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let _ = visit_expressions(&self.statement, |expression: &Expr| {
            if let Some(name) = placeholder(expression) {
                names.insert(name.to_owned());
            }
            ControlFlow::<()>::Continue(())
        });
        names
    }

    /// The functions it calls.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        let _ = visit_expressions(&self.statement, |expression: &Expr| {
            if let Expr::Function(function) = expression {
                calls.push(Call { name: function.name.to_string().to_lowercase(), at: position(function.name.span().start) });
            }
            ControlFlow::<()>::Continue(())
        });
        calls
    }

    /// The types it casts to, and where.
    pub(crate) fn casts(&self) -> Vec<Call> {
        let mut casts = Vec::new();
        let _ = visit_expressions(&self.statement, |expression: &Expr| {
            if let Expr::Cast { data_type, .. } = expression {
                casts.push(Call { name: data_type.to_string().to_lowercase(), at: position(expression.span().start) });
            }
            ControlFlow::<()>::Continue(())
        });
        casts
    }

    /// The statement with every parameter replaced by its typed literal.
    pub(crate) fn bind(&self, parameters: &Parameters) -> Result<DfStatement> {
        let mut statement = self.statement.clone();
        let outcome = visit_expressions_mut(&mut statement, |expression: &mut Expr| {
            let Some(name) = placeholder(expression) else { return ControlFlow::Continue(()) };
            let Some(literal) = parameters.literal(name) else {
                let known: Vec<&str> = parameters.names().collect();
                let hint = takings_definitions::nearest(name, known.iter().copied())
                    .map_or_else(|| format!("parameters: ${}", known.join(", $")), |best| format!("did you mean `${best}`?"));
                return ControlFlow::Break(Error::sql(&self.path, position(expression.span().start), format!("there is no parameter `${name}` here; {hint}")));
            };
            match Parser::new(&GenericDialect {}).try_with_sql(literal).and_then(|mut parser| parser.parse_expr()) {
                Ok(value) => {
                    *expression = value;
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(Error::sql(&self.path, None, format!("parameter `${name}`: {error}"))),
            }
        });
        match outcome {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(DfStatement::Statement(statement)),
        }
    }

    /// The SQL without comments and with one spelling of white space: what a run key hashes.
    pub fn normalized(&self) -> String {
        self.statement.to_string()
    }
}

fn placeholder(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => Some(name.trim_start_matches('$')),
            _ => None,
        },
        _ => None,
    }
}

fn is_select(query: &Query) -> bool {
    fn body(body: &SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => select.into.is_none(),
            SetExpr::Query(query) => is_select(query),
            SetExpr::SetOperation { left, right, .. } => body_of(left) && body_of(right),
            SetExpr::Values(_) => true,
            _ => false,
        }
    }
    fn body_of(set: &SetExpr) -> bool {
        body(set)
    }
    body(&query.body) && query.with.as_ref().is_none_or(|with| with.cte_tables.iter().all(|cte| is_select(&cte.query)))
}

pub(crate) fn position(location: datafusion::sql::sqlparser::tokenizer::Location) -> Option<(u64, u64)> {
    (location.line > 0).then_some((location.line, location.column))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Parsed> {
        Parsed::new(Path::new("sql/x.sql"), text)
    }

    #[test]
    fn references_leave_out_ctes() {
        let names = parsed("with a as (select * from stg_x) select * from a join dim_y using (id)").unwrap().references().clone();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["dim_y", "stg_x"]);
    }

    #[test]
    fn steps_are_materialized_in_the_outermost_with() {
        let text = "with a as (select 'as materialized (' as x),\n  b as Materialized (select * from a), c as (select 1)\nselect * from b, c, nothing";
        let normalized = parsed(text).unwrap().normalized();
        assert_eq!(normalized.matches(" AS MATERIALIZED (").count(), 1, "{normalized}");
        assert!(normalized.contains("b AS MATERIALIZED (SELECT * FROM a)"), "{normalized}");
        assert_eq!(parsed(text).unwrap().place_of("nothing"), Some((3, 21)));
        let nested = "with a as (with b as materialized (select 1) select * from b) select * from a";
        assert_eq!(parsed(nested).unwrap_err().to_string(), "sql/x.sql:1:22: `as materialized` stands in the outermost WITH only");
    }

    #[test]
    fn only_one_select_is_taken() {
        for text in ["delete from t", "create table t as select 1", "select 1; select 2", "insert into t select 1", ""] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(error.contains("SELECT"), "{text}: {error}");
        }
        assert!(parsed("selec 1").unwrap_err().to_string().starts_with("sql/x.sql:1:"), "{}", parsed("selec 1").unwrap_err());
    }

    #[test]
    fn a_parameter_becomes_its_literal() {
        let bound = parsed("select $instance, $days").unwrap().bind(&Parameters::default().text("instance", "o'k").text("days", "x")).unwrap();
        assert_eq!(bound.to_string(), "SELECT 'o''k', 'x'");
        let error = parsed("select\n  $instanc").unwrap().bind(&Parameters::default().text("instance", "x")).unwrap_err().to_string();
        assert_eq!(error, "sql/x.sql:2:3: there is no parameter `$instanc` here; did you mean `$instance`?");
    }
}
