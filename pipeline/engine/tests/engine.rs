//! The engine over small projects: contract order, money rules, the graph, and joins that an engine rule once got wrong.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use takings_definitions::Project;
use takings_engine::{Engine, Graph, Parameters, ScanFile, Tables, check_project, months_apart, run_tests};

/// A project folder with one partitioned mart `fct_t(period_month, id, line)`, whose contract names the month first.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.write("config/takings.toml", "");
        place.write(
            "config/tables/fct_t.toml",
            "table = \"fct_t\"\nlayer = \"mart\"\ndescription = \"d\"\ngrain = \"One row.\"\nkey = [\"id\"]\npartition = { from = [\"period_month\"] }\ncolumns = [\n\
             { name = \"period_month\", type = \"date\", nullable = false },\n{ name = \"id\", type = \"text\" },\n{ name = \"line\", type = \"int64\" },\n]\n",
        );
        place.write("sql/marts/fct_t.sql", "select cast('2026-01-01' as date) as period_month, 'a' as id, 1 as line");
        for (path, text) in files {
            place.write(path, text);
        }
        place
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn project(&self) -> Project {
        Project::load(self.folder.path(), None, []).unwrap()
    }
}

fn parquet(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Vec<u8> {
    let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Two months of `fct_t`, as lake files.
async fn store_with_two_months(project: &Project) -> (Arc<dyn ObjectStore>, Tables) {
    let stored = takings_lake::table_schema(project.table("fct_t").unwrap());
    let in_files = Arc::new(stored.project(&[stored.index_of("id").unwrap(), stored.index_of("line").unwrap()]).unwrap());
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut files = Vec::new();
    for (month, ids) in [("2026-01-01", ["a", "b"]), ("2026-02-01", ["c", "d"])] {
        let lines: Vec<i64> = ids.iter().map(|id| i64::from(id.as_bytes()[0])).collect();
        let bytes = parquet(&in_files, vec![Arc::new(StringArray::from_iter_values(ids)), Arc::new(Int64Array::from(lines))]);
        let path = format!("lake/fct_t/{month}.parquet");
        files.push(ScanFile { path: path.clone(), size: bytes.len() as u64, rows: 2, month: Some(month.parse().unwrap()) });
        store.put(&path.as_str().into(), PutPayload::from(bytes)).await.unwrap();
    }
    (store, Tables::from([("fct_t".to_owned(), files)]))
}

async fn query(place: &Place, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let project = place.project();
    let graph = Graph::new(&project).map_err(|error| error.to_string())?;
    let (store, tables) = store_with_two_months(&project).await;
    let engine = Engine::new(store, 64 << 20, 2, place.folder.path()).unwrap();
    let mut session = engine.session(&project, &graph, tables, Parameters::default().text("instance", "main"));
    let frame = session.plan_text(Path::new("query"), sql).await.map_err(|error| error.to_string())?;
    session.collect("query", frame).await.map_err(|error| error.to_string())
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

#[tokio::test]
async fn select_star_gives_the_contracts_order() {
    let batches = query(&Place::new(&[]), "select * from fct_t order by id").await.unwrap();
    let names: Vec<String> = batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["period_month", "id", "line"]);
    let months = batches[0].column(0).as_any().downcast_ref::<Date32Array>().unwrap();
    let lines = batches[0].column(2).as_any().downcast_ref::<Int64Array>().unwrap();
    assert_eq!((months.value(0), lines.value(0)), (20_454, i64::from(b'a')));
}

#[tokio::test]
async fn a_month_is_filtered_exactly() {
    let place = Place::new(&[]);
    for (condition, expected) in [
        ("period_month = cast('2026-02-01' as date)", 2),
        ("period_month > cast('2026-01-01' as date) and id = 'c'", 1),
        ("period_month < cast('2026-01-01' as date)", 0),
        ("period_month in (cast('2026-01-01' as date), cast('2026-02-01' as date))", 4),
    ] {
        let batches = query(&place, &format!("select id from fct_t where {condition}")).await.unwrap();
        assert_eq!(rows(&batches), expected, "{condition}");
    }
}

#[tokio::test]
async fn a_right_join_keeps_rows_that_have_no_match_and_a_null() {
    // Four rows of the right side have no match on the left and no `d`: an engine rule that maps filters by name lost them.
    let sql = "with b as (select 'x' as k, 'x' as d), a as (select id as k, cast(null as varchar) as d from fct_t) \
               select a.k from b right join a on b.k = a.k where b.k is null and a.d is null";
    assert_eq!(rows(&query(&Place::new(&[]), sql).await.unwrap()), 4);
}

#[tokio::test]
async fn mistakes_name_file_line_and_the_nearest_name() {
    let unknown = Place::new(&[("sql/known/known_t.sql", "select *\nfrom fct_tt")]);
    assert_eq!(query(&unknown, "select 1").await.unwrap_err(), "sql/known/known_t.sql:2:6: there is no table or model `fct_tt`; did you mean `fct_t`?");
    let circle = Place::new(&[("sql/known/known_a.sql", "select * from known_b"), ("sql/known/known_b.sql", "select *\n  from known_a")]);
    let error = query(&circle, "select 1").await.unwrap_err();
    assert!(error.contains("sql/known/known_b.sql:2:8: models read each other in a circle: known_a → known_b → known_a"), "{error}");
    assert!(query(&Place::new(&[]), "delete from fct_t").await.unwrap_err().contains("only SELECT"));
    assert!(query(&Place::new(&[]), "select $instanc").await.unwrap_err().contains("did you mean `$instance`?"));
}

async fn findings(mart: &str) -> Vec<String> {
    let place = Place::new(&[("sql/marts/fct_t.sql", mart)]);
    let project = place.project();
    let graph = Graph::new(&project).unwrap();
    let engine = Engine::new(Arc::new(InMemory::new()), 64 << 20, 1, place.folder.path()).unwrap();
    check_project(&engine, &project, &graph).await.into_iter().map(|finding| finding.0.to_string()).collect()
}

#[tokio::test]
async fn check_holds_marts_to_contract_and_money_rules() {
    let ok = "select cast('2026-01-01' as date) as period_month, 'a' as id, 1 as line";
    assert_eq!(findings(ok).await, Vec::<String>::new());
    for (mart, said) in [
        ("select cast('2026-01-01' as date) as period_month, 'a' as id, 'x' as line", "column `line` is Int64 here and Utf8 in sql/marts/fct_t.sql"),
        ("select cast('2026-01-01' as date) as period_month, 'a' as id", "column `line` is not given by sql/marts/fct_t.sql"),
        ("select cast('2026-01-01' as date) as period_month, 'a' as id, 1 as line, 2 as more", "gives column `more`, which is not in this contract of fct_t"),
        (
            "select cast('2026-01-01' as date) as period_month, 'a' as id, 1 as line from (select round(cast('1.234' as decimal(10,3)), 2) as r) as x where r > 0",
            "rounding stands only in sql/reports/",
        ),
        (
            "select cast('2026-01-01' as date) as period_month, 'a' as id, 1 as line from (select cast(cast('1.234' as decimal(10,3)) as decimal(10,2)) as r) as x where r > 0",
            "cuts digits",
        ),
        (
            "select cast('2026-01-01' as date) as period_month, 'a' as id, 1 as line from (select cast('1.2' as double) as r) as x where r > 0",
            "floats are not allowed",
        ),
    ] {
        let found = findings(mart).await;
        assert!(found.iter().any(|finding| finding.contains(said)), "{mart}: {found:?}");
    }
}

#[tokio::test]
async fn a_materialized_step_is_made_once_and_gives_the_same_rows() {
    let place = Place::new(&[]);
    let sql = |hint: &str| {
        format!(
            "with some as {hint} (select id, line from fct_t where line > 97), few as {hint} (select max(line) as line from some), \
             rest as (select * from some) select s.id from few as f inner join rest as s on f.line = s.line"
        )
    };
    let (plain, held) = (query(&place, &sql("")).await.unwrap(), query(&place, &sql("materialized")).await.unwrap());
    assert_eq!(rows(&plain), 1);
    let ids =
        |batches: &[RecordBatch]| format!("{:?}", batches.iter().filter(|batch| batch.num_rows() > 0).map(|batch| batch.column(0).clone()).collect::<Vec<_>>());
    assert_eq!(ids(&plain), ids(&held));
    let error = query(&place, "with x (a) as materialized (select 1) select * from x").await.unwrap_err();
    assert!(error.contains("query:1:6: `x`: ") && error.contains("names its columns in its SELECT"), "{error}");
}

#[tokio::test]
async fn what_reads_a_held_view_finds_its_rows_and_no_other() {
    let place = Place::new(&[
        ("sql/known/known_t.sql", "select id, line from fct_t where line > 97"),
        ("sql/known/known_last.sql", "select max(line) as line from known_t"),
    ]);
    let project = place.project();
    let graph = Graph::new(&project).unwrap();
    let (store, tables) = store_with_two_months(&project).await;
    let engine = Engine::new(store, 64 << 20, 2, place.folder.path()).unwrap();
    let held = engine.session(&project, &graph, tables.clone(), Parameters::default()).hold("known_t").await.unwrap();
    let sql = "select t.id from known_t as t inner join known_last as l on t.line = l.line";
    // A session without files sees the rows that are held, through other views too.
    for (tables, reads_held, expected) in [(tables, false, 1), (Tables::new(), false, 0), (Tables::new(), true, 1)] {
        let mut session = engine.session(&project, &graph, tables, Parameters::default());
        if reads_held {
            session.read_held(&held).unwrap();
        }
        let frame = session.plan_text(Path::new("query"), sql).await.unwrap();
        assert_eq!(rows(&session.collect("query", frame).await.unwrap()), expected);
    }
}

#[tokio::test]
async fn months_are_apart_where_their_filter_reaches_every_file() {
    let place = Place::new(&[("sql/known/known_t.sql", "select * from fct_t where line > 0")]);
    let project = place.project();
    let graph = Graph::new(&project).unwrap();
    let (store, tables) = store_with_two_months(&project).await;
    let engine = Engine::new(store, 64 << 20, 1, place.folder.path()).unwrap();
    let both_twice = "select a.period_month, a.id from fct_t as a left join fct_t as b on";
    for (sql, expected) in [
        ("select period_month, id, count(*) as n from known_t group by id, period_month", Some(2)),
        ("select period_month, row_number() over (partition by period_month order by id) as n from fct_t", Some(2)),
        (&format!("{both_twice} a.period_month = b.period_month and a.id = b.id"), Some(4)),
        ("select period_month, id from fct_t union all select period_month, 'x' from fct_t", Some(4)),
        // What is said of a month hangs on others, or on which are there.
        ("select min(period_month) as period_month, id from fct_t group by id", None),
        ("select period_month, row_number() over (partition by id order by line) as n from fct_t", None),
        ("select period_month, id from fct_t order by line limit 3", None),
        (&format!("{both_twice} a.id = b.id"), None),
        ("select period_month, id from fct_t where line < (select max(line) from fct_t)", None),
        (
            "select period_month, id from fct_t where period_month >= date '2026-01-01' and line in (select line from fct_t where period_month > date '2025-01-01')",
            None,
        ),
    ] {
        let mut session = engine.session(&project, &graph, tables.clone(), Parameters::default());
        let frame = session.plan_text(Path::new("mart"), sql).await.unwrap();
        let apart = months_apart("mart", &frame).unwrap();
        assert_eq!(apart.map(|months| months.values().copied().collect::<Vec<_>>()), expected.map(|rows| vec![rows; 2]), "{sql}");
    }
}

#[tokio::test]
async fn months_that_a_select_leaves_out_are_not_made() {
    let place = Place::new(&[]);
    let project = place.project();
    let graph = Graph::new(&project).unwrap();
    let (store, tables) = store_with_two_months(&project).await;
    let engine = Engine::new(store, 64 << 20, 1, place.folder.path()).unwrap();
    let late = "period_month >= cast(date_trunc('month', cast('2026-03-09' as date) - interval '10 days') as date)";
    for (condition, expected) in [(late, &["2026-02-01"][..]), ("period_month > date '2026-02-01'", &[]), ("line > 0", &["2026-01-01", "2026-02-01"])] {
        let mut session = engine.session(&project, &graph, tables.clone(), Parameters::default());
        let sql = format!("select period_month, id, sum(line) as lines from fct_t where {condition} group by period_month, id");
        let frame = session.plan_text(Path::new("mart"), &sql).await.unwrap();
        let months: Vec<String> = months_apart("mart", &frame).unwrap().unwrap().keys().map(ToString::to_string).collect();
        assert_eq!(months, expected, "{condition}");
    }
}

/// A month that the plan knows would pass for an order of the rows, and rows in order are grouped one by one.
#[tokio::test]
async fn rows_of_one_month_are_grouped_as_rows_of_any() {
    let place = Place::new(&[]);
    let project = place.project();
    let graph = Graph::new(&project).unwrap();
    let (store, tables) = store_with_two_months(&project).await;
    let engine = Engine::new(store, 64 << 20, 1, place.folder.path()).unwrap();
    let mut session = engine.session(&project, &graph, tables, Parameters::default());
    let sql = "select period_month, id, sum(line) as lines from fct_t where period_month = cast('2026-02-01' as date) group by period_month, id";
    let frame = session.plan_text(Path::new("query"), sql).await.unwrap();
    let plan = frame.clone().create_physical_plan().await.unwrap();
    let plan = datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string();
    assert!(plan.contains("AggregateExec") && !plan.contains("ordering_mode"), "{plan}");
    assert_eq!(rows(&session.collect("query", frame).await.unwrap()), 2);
}

#[tokio::test]
async fn what_a_test_says_of_each_row_is_asked_of_the_rows_that_were_made() {
    let contract = |test: &str| {
        format!(
            "table = \"fct_t\"\nlayer = \"mart\"\ndescription = \"d\"\ngrain = \"One row.\"\nkey = [\"id\"]\npartition = {{ from = [\"period_month\"] }}\ncolumns = [\n\
             {{ name = \"period_month\", type = \"date\", nullable = false }},\n{{ name = \"id\", type = \"text\" }},\n{{ name = \"line\", type = \"int64\" }},\n]\n\
             [[tests]]\nname = \"of_test\"\n{test}\n"
        )
    };
    // The row `a` of the first month breaks each of them; the second month is made now.
    for (test, is_of_rows) in [
        ("kind = \"expression\"\nsql = \"id <> 'a'\"", true),
        ("kind = \"no_rows\"\nsql = \"select id, line + 1 as next from fct_t where id = 'a'\"", true),
        ("kind = \"no_rows\"\nsql = \"select min(id) as id from fct_t having min(id) = 'a'\"", false),
        ("kind = \"no_rows\"\nsql = \"select id from fct_t where id in (select min(id) from fct_t)\"", false),
        ("kind = \"no_rows\"\nsql = \"select a.id from fct_t as a inner join fct_t as b on a.line + 2 = b.line where a.id = 'a'\"", false),
        ("kind = \"no_rows\"\nsql = \"select id from fct_t as a where a.id = 'a' and exists (select 1 from fct_t as b where a.line + 2 = b.line)\"", false),
        ("kind = \"unique\"\ncolumns = [\"period_month\"]", false),
    ] {
        let place = Place::new(&[("config/tables/fct_t.toml", &contract(test))]);
        let project = place.project();
        let graph = Graph::new(&project).unwrap();
        let (store, all) = store_with_two_months(&project).await;
        let engine = Engine::new(store, 64 << 20, 1, place.folder.path()).unwrap();
        let made = Tables::from([("fct_t".to_owned(), all["fct_t"][1..].to_vec())]);
        let session = |tables: &Tables| engine.session(&project, &graph, tables.clone(), Parameters::default());
        let table = project.table("fct_t").unwrap();
        let failed = async |made: Option<&Tables>| {
            let mut made = made.map(session);
            let failures = run_tests(&mut session(&all), made.as_mut(), table).await.unwrap();
            failures.iter().any(|failure| failure.test == "of_test")
        };
        assert!(failed(None).await, "{test}");
        assert_eq!(failed(Some(&made)).await, !is_of_rows, "{test}");
    }
}

#[tokio::test]
async fn changed_by_looks_at_the_changes_of_all_that_a_mart_is_made_from() {
    let raw = |name: &str| {
        let text =
            format!("table = \"{name}\"\nlayer = \"raw\"\ndescription = \"d\"\ngrain = \"One row.\"\nkey = [\"id\"]\npartition = {{ from = [\"at\"] }}\n");
        text + "columns = [\n{ name = \"at\", type = \"date\", nullable = false },\n{ name = \"id\", type = \"text\" },\n]\n"
    };
    let mart = "select a.period_month, a.id, count(*) as line from one as a inner join stg_two as b on a.id = b.id group by a.period_month, a.id";
    for (changed_by, unseen) in [
        ("select period_month from changed_one union select period_month from changed_two", None),
        ("select period_month from changed_one", Some("changed_by does not look at changed_two, and fct_t is made from two")),
    ] {
        let kept = format!("kept = {{ partition = \"period_month\", changed_by = \"{changed_by}\" }}");
        let place = Place::new(&[
            ("config/tables/one.toml", &raw("one")),
            ("config/tables/two.toml", &raw("two")),
            ("sql/staging/x/stg_two.sql", "select * from two"),
            ("sql/marts/fct_t.sql", mart),
        ]);
        let contract = std::fs::read_to_string(place.folder.path().join("config/tables/fct_t.toml")).unwrap();
        place.write("config/tables/fct_t.toml", &contract.replacen("columns = [", &format!("{kept}\ncolumns = ["), 1));
        let project = place.project();
        let graph = Graph::new(&project).unwrap();
        let engine = Engine::new(Arc::new(InMemory::new()), 64 << 20, 1, place.folder.path()).unwrap();
        let found: Vec<String> = check_project(&engine, &project, &graph).await.into_iter().map(|finding| finding.0.to_string()).collect();
        match unseen {
            None => assert_eq!(found, Vec::<String>::new()),
            Some(said) => assert!(found.len() == 1 && found[0].contains(said), "{found:?}"),
        }
    }
}
