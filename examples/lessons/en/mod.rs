//! English: what all lessons say.

use super::Shared;

pub static SHARED: Shared = Shared {
    it_is_checked: "CHECKED: {what}.",
    check_failed: "THE CHECK FAILED. It should hold that {what}.",
    page_is_in: "The page of these steps is {file}.",
    no_file: "{file} cannot be written: {error}",
    options: "{problem}; there are --html FILE and --language CODE",
    options_and: "{problem}; there are --html FILE, --language CODE, {own}",
    no_language: "there is no language {code}. There is {list}",
}
.checked();
