use std::io::{self, Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ops::Tensor;

use super::*;
use crate::ground::Targets;

fn plain() -> CsvOptions {
    CsvOptions { header: false, ..CsvOptions::default() }
}

fn headed() -> CsvOptions {
    CsvOptions::default()
}

fn read(bytes: &[u8], options: CsvOptions) -> Result<Dataset<f64>, DataError> {
    parse(Source::new(Path::new("t.csv"), Cursor::new(bytes.to_vec()))?, options)
}

fn refused(text: &str, options: CsvOptions) -> String {
    read(text.as_bytes(), options).unwrap_err().to_string()
}

#[test]
fn tables_are_read_in_every_dress() {
    let expected = read(b"1,2,0\n3,-4e-1,2\n", plain()).unwrap();
    assert_eq!(expected.inputs(), &Tensor::from([[1.0, 2.0], [3.0, -0.4]]));
    assert_eq!((expected.labels(), expected.classes()), (Some(&[0, 2][..]), Some(3)));
    for text in [
        "1,2,0\n3,-4e-1,2",
        "1,2,0\r\n3,-0.4,2\r\n",
        "\u{feff}1,2,0\n3,-0.4,2\n",
        " 1 ,\t2,0.0\n3,-.4, 2e0\n\n \r\n\n",
        "\"1\",\"2\",\"0\"\n3,\"-0.4\",2\n",
    ] {
        assert_eq!(read(text.as_bytes(), plain()).unwrap(), expected, "{text:?}");
    }
    assert_eq!(read(b"a,\"b, c\",\"d\"\n1,2,0\n3,-0.4,2\n", headed()).unwrap(), expected);
    let tabs = CsvOptions { delimiter: b'\t', ..plain() };
    assert_eq!(read(b"1\t2\t0\n3\t-0.4\t2\n", tabs).unwrap(), expected);
    let first = CsvOptions { targets: CsvTargets::Labels(Column::First), ..plain() };
    assert_eq!(read(b"0,1,2\n2,3,-0.4\n", first).unwrap(), expected);
    let second = CsvOptions { targets: CsvTargets::Labels(Column::Index(1)), ..plain() };
    assert_eq!(read(b"1,0,2\n3,2,-0.4\n", second).unwrap(), expected);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"1,2,0\n3,-0.4,2\n").unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(read(&gzip, plain()).unwrap(), expected);
    let error = read(&gzip[..gzip.len() - 4], plain()).unwrap_err();
    assert!(matches!(error, DataError::Gzip { .. }), "{error}");
}

#[test]
fn without_labels_the_targets_are_the_inputs() {
    let none = CsvOptions { targets: CsvTargets::Inputs, ..plain() };
    let data = read(b"1\n2\n", none).unwrap();
    assert_eq!(data.inputs().shape(), [2, 1]);
    assert_eq!((data.targets(), data.classes()), (&Targets::Values(data.inputs().clone()), None));
}

#[test]
fn a_field_that_is_no_number_is_refused_with_its_place() {
    assert_eq!(
        refused("x,y,kind\n1,2,0\n1,two,0\n", headed()),
        "t.csv, line 3, column 2 (\"y\"): a number was expected, but \"two\" was found"
    );
    for text in ["inf", "-infinity", "1e999", "-nan"] {
        let error = refused(&format!("1,2,0\n3,{text},0\n"), plain());
        let expected = format!("a finite number that fits f64 was expected, but {text:?}");
        assert!(error.contains(&expected), "{error}");
    }
    let source = Source::new(Path::new("t.csv"), &b"1e39,0\n"[..]).unwrap();
    let error = parse::<f32>(source, plain()).unwrap_err().to_string();
    assert!(error.contains("fits f32"), "{error}");
    assert!(refused(&format!("{},0\n", "ab\u{e9}".repeat(50)), plain()).contains("b\u{e9}a\"..."));
    assert!(read(b"\xff\xfe,0\n", plain()).unwrap_err().to_string().contains('\u{fffd}'));
    // A quote that is not closed takes the rest of the file into its field.
    assert!(refused("\"1,0\n2,1\n", plain()).contains("columns is 1,"));
}

#[test]
fn a_label_that_is_no_class_is_refused() {
    for text in ["-1", "0.5", "inf", "1000000", "1e300"] {
        let error = refused(&format!("1,0\n2,{text}\n"), plain());
        let expected = format!(
            "t.csv, line 2, column 2: a label, a whole number from 0 to 999999 was expected, \
             but {text:?} was found"
        );
        assert_eq!(error, expected);
    }
    let error = refused("1,setosa\n", plain());
    let expected = "(names of classes are read with `CsvOptions::classes`) was expected, but";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn rows_of_another_length_and_empty_lines_are_refused() {
    assert_eq!(
        refused("1,2,0\n1,2,3,0\n", plain()),
        "t.csv, line 2: 3 fields were expected as in the first line, but there are 4"
    );
    assert!(refused("a,b\n1,2,0\n", headed()).contains("line 2: 2 fields"));
    assert!(refused("1,2,0\r\n1,2,0\r\n1,2\r\n", plain()).contains("line 3: 3 fields"));
    assert_eq!(
        refused("1,0\n\n\n2,0\n", plain()),
        "t.csv, line 2: the line is empty, but rows follow it"
    );
    let tabs = CsvOptions { delimiter: b'\t', ..plain() };
    assert!(refused("1\t0\n\t\n", tabs).contains("2 values are missing: line 2, column 1;"));
}

#[test]
fn files_without_rows_are_refused() {
    for text in ["", "\n \n", "\u{feff}"] {
        let error = read(text.as_bytes(), plain()).unwrap_err();
        assert!(
            matches!(error, DataError::Table(TableError::NoRows { header: false, .. })),
            "{error}"
        );
        assert!(matches!(
            read(text.as_bytes(), headed()),
            Err(DataError::Table(TableError::NoRows { .. }))
        ));
    }
    assert_eq!(refused("a,b\n", headed()), "t.csv holds no rows, only a header line");
}

#[test]
fn options_that_do_not_fit_the_table_are_refused() {
    let third = CsvOptions { targets: CsvTargets::Labels(Column::Index(3)), ..plain() };
    let error = "t.csv has no column with index 3: it has 3 and no header line with names";
    assert_eq!(refused("1,2,0\n", third), error);
    let text = "a,b,kind\n1,2,0\n";
    let error = "t.csv has no column named \"kin\": it has 3, named \"a\", \"b\", \"kind\"";
    assert_eq!(refused(text, CsvOptions::labels("kin")), error);
    assert!(
        refused("a,b,c,d,e,f\n1,2,3,4,5,6\n", CsvOptions::values(["g"])).contains("\"e\", ...")
    );
    let twins = refused("a,kind,kind\n1,2,0\n", CsvOptions::labels("kind"));
    assert!(twins.contains("no column of the unique name \"kind\": it has 3"), "{twins}");
    let twice = CsvOptions { ignored: vec!["kind".into()], ..headed() };
    assert!(refused(text, twice).contains("column 3 (\"kind\") was asked for twice"));
    let all = CsvOptions { ignored: vec![0.into(), "b".into()], ..headed() };
    assert!(refused(text, all).contains("columns is 3, and all are targets or ignored"));
    assert!(refused(text, CsvOptions::values(Vec::<Column>::new())).contains("[1, 0]"));
    assert!(refused("1\n2\n", plain()).contains("columns is 1,"));
    for delimiter in [b'"', b'\n', b'\r', b'1', b'e', b'.', b'-', 0xe9] {
        let error = refused("1,0\n", CsvOptions { delimiter, ..plain() });
        assert!(error.contains("cannot separate columns"), "{error}");
    }
}

#[test]
fn columns_are_taken_by_name_and_left_out() {
    let text = b"id,price,height,width,rooms\n7,10,1,2,3\n8,20,4,5,6\n";
    let options =
        CsvOptions { ignored: vec![Column::First], ..CsvOptions::values(["rooms", "price"]) };
    let data = read(text, options).unwrap();
    assert_eq!(data.inputs(), &Tensor::from([[1.0, 2.0], [4.0, 5.0]]));
    let values = Tensor::from([[3.0, 10.0], [6.0, 20.0]]);
    assert_eq!(data.targets(), &Targets::Values(values));
    let names = (0..7).map(|rooms| format!("{rooms} rooms")).collect();
    let named = CsvOptions { class_names: Some(names), ..CsvOptions::labels("rooms") };
    let labelled = read(text, named).unwrap();
    assert_eq!((labelled.labels(), labelled.classes()), (Some(&[3, 6][..]), Some(7)));
}

#[test]
fn names_of_classes_are_sorted_or_in_the_order_given() {
    let text = b"1,pear\n2,apple\n3,pear\n4,NA\n";
    let options = CsvOptions { header: false, ..CsvOptions::classes(Column::Last) };
    let data = read(text, options.clone()).unwrap();
    assert_eq!(data.class_names().unwrap(), ["NA", "apple", "pear"]);
    assert_eq!(data.labels(), Some(&[2, 1, 2, 0][..]));
    let names = ["pear", "plum", "apple", "NA"].map(str::to_owned).to_vec();
    let given = CsvOptions { class_names: Some(names), ..options.clone() };
    let data = read(text, given.clone()).unwrap();
    assert_eq!((data.labels(), data.classes()), (Some(&[0, 2, 0, 3][..]), Some(4)));
    assert_eq!(
        refused("1,fig\n", given),
        "t.csv, line 1, column 2: one of the 4 classes \"pear\", \"plum\", \"apple\", \"NA\" \
         was expected, but \"fig\" was found"
    );
    assert!(refused("1,pear\n2,\n", options.clone()).contains("1 value is missing: line 2"));
    // A class that occurs only in rows left out does not count.
    let dropped = CsvOptions { missing: Missing::DropRows, ..options.clone() };
    let data = read(b"1,pear\n,apple\n2,fig\n", dropped).unwrap();
    assert_eq!(data.class_names().unwrap(), ["fig", "pear"]);
    assert_eq!(data.labels(), Some(&[1, 0][..]));
    let error = read(b"1,\xff\n", options).unwrap_err().to_string();
    assert!(error.contains("a name in UTF-8 was expected"), "{error}");
}

#[test]
fn missing_values_are_counted_and_placed() {
    let text = "a,b,kind\n1,,0\nNA,2,0\n3,n/a,1\nnull,NaN,?\n5,6,1\n";
    assert_eq!(
        refused(text, headed()),
        "t.csv: 6 values are missing: line 2, column 2 (\"b\"); line 3, column 1 (\"a\"); \
         line 4, column 2 (\"b\"); line 5, column 1 (\"a\"); line 5, column 2 (\"b\"); and 1 more. To \
         leave out such rows or to fill missing inputs with the mean of their column, set \
         `CsvOptions::missing`"
    );
    let drop = CsvOptions { missing: Missing::DropRows, ..headed() };
    let data = read(text.as_bytes(), drop.clone()).unwrap();
    assert_eq!((data.inputs(), data.labels()), (&Tensor::from([[5.0, 6.0]]), Some(&[1][..])));
    assert_eq!(
        refused("a,b\n,1\n2,\n", drop),
        "t.csv holds no rows: in each of its 2 a value is missing"
    );
    let fill = CsvOptions { missing: Missing::FillMean, ..headed() };
    let error = refused(text, fill.clone());
    assert!(error.contains("1 value is missing: line 5, column 3 (\"kind\")."), "{error}");
    let data = read(b"a,b,kind\n1,,0\n,2,0\n3,7,1\n", fill.clone()).unwrap();
    assert_eq!(data.inputs(), &Tensor::from([[1.0, 4.5], [2.0, 2.0], [3.0, 7.0]]));
    let large = read(b"a,b,kind\n1e308,1,0\n1e308,1,0\n1e308,1,0\n,1,0\n", fill.clone());
    assert!((large.unwrap().inputs().to_vec()[6] / 1e308 - 1.0).abs() < 1e-14);
    let error = refused("a,b,kind\n1,,0\n2,,0\n", fill);
    assert!(error.contains("column 2 (\"b\") holds no value in any row"), "{error}");
    // What is not read may be missing.
    let ignoring = CsvOptions { ignored: vec!["b".into()], ..headed() };
    assert_eq!(read(b"a,b,kind\n1,,0\n2,x,0\n", ignoring).unwrap().len(), 2);
}

#[test]
fn long_lines_and_files_are_refused() {
    let limited = CsvOptions { max_bytes: 11, ..plain() };
    assert_eq!(read(b"1,2,0\n3,4,1", limited.clone()).unwrap().len(), 2);
    let error = refused("1,2,0\n3,4,1\n", limited);
    assert!(error.starts_with("t.csv holds more than 11 bytes;"), "{error}");
    let long = format!("1,0\n{}1,0\n", " ".repeat(MAX_LINE as usize));
    let error = refused(&long, plain());
    assert_eq!(error, "t.csv, line 2: the line is longer than 1048576 bytes");
    // Endless data without a line end.
    let endless = Source::new(Path::new("t.csv"), io::repeat(b'1')).unwrap();
    assert!(matches!(
        parse::<f64>(endless, plain()),
        Err(DataError::Table(TableError::LongLine { .. }))
    ));
}

#[test]
fn labels_that_count_from_1_are_refused() {
    let text = "a,kind\n0.5,1\n0.25,2\n";
    let error = refused(text, headed());
    assert!(error.contains("the labels are 1 to 2, so class 0 would have no rows"), "{error}");
    assert!(error.contains("CsvOptions::class_names"), "{error}");
    // A row that is left out may have been of class 0.
    let drop = CsvOptions { missing: Missing::DropRows, ..headed() };
    assert_eq!(read(b"a,kind\n,0\n0.5,1\n", drop).unwrap().labels(), Some(&[1][..]));
    // The names of a training set say that there is a class 0, which is only absent here.
    let names = ["none", "cat", "dog", "owl"].map(str::to_owned).to_vec();
    let named = CsvOptions { class_names: Some(names), ..headed() };
    let data = read(text.as_bytes(), named.clone()).unwrap();
    assert_eq!((data.labels(), data.classes()), (Some(&[1, 2][..]), Some(4)));
    assert_eq!(data.class_names().unwrap()[2], "dog");
    let error = refused("a,kind\n0.5,4\n", named);
    assert!(error.contains("a label, a whole number from 0 to 3"), "{error}");
}

#[test]
fn missing_inputs_can_be_kept_and_filled_by_the_training_set() {
    let keep = CsvOptions { missing: Missing::Keep, ..headed() };
    let data = read(b"a,b,kind\n1,,0\n,8,1\n3,2,0\n,100,1\n", keep.clone()).unwrap();
    assert!(data.inputs().to_vec()[1].is_nan());
    let (train, test) = data.split_at(3).unwrap();
    // (1 + 3)/2 and (8 + 2)/2, without the 100 of the test set.
    let means = crate::data::FillMeans::fit(&train).unwrap();
    assert_eq!(means.means(), [2.0, 5.0]);
    assert_eq!(means.apply(&train).unwrap().inputs().to_vec(), [1.0, 5.0, 2.0, 8.0, 3.0, 2.0]);
    assert_eq!(means.apply(&test).unwrap().inputs().to_vec(), [2.0, 100.0]);
    let error = crate::data::FillMeans::fit(&test).unwrap_err().to_string();
    assert_eq!(error, "feature 0 holds no value in any row, so there is no mean to fill in");
    let error = refused("a,kind\n1,\n", keep);
    assert!(error.contains("1 value is missing: line 2, column 2"), "{error}");
}
