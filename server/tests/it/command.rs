//! The command line's answers and exit codes, as scripts see them.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    agents::recent,
    world::{World, model_file},
};

fn wherefore(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wherefore")).args(words).stdin(Stdio::null()).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("not JSON: {}", said(output)))
}

fn keep(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn explain_tells_wrong_files_from_wrong_wishes() {
    let dir = tempfile::tempdir().unwrap();
    let model = model_file().display().to_string();
    let rows = keep(dir.path(), "rows.csv", "a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n");
    let done = wherefore(&["explain", "--model", &model, "--rows", &rows, "--json"]);
    assert_eq!(code(&done), 0, "{}", said(&done));
    assert!(said(&done).contains("in the model's order"));
    assert_eq!(json(&done)["attributions"][0][0].as_array().unwrap().len(), 7);

    let wrong = keep(dir.path(), "wrong.csv", "a,b\n1,2\n");
    assert_eq!(code(&wherefore(&["explain", "--model", &model, "--rows", &wrong])), 1);
    assert_eq!(code(&wherefore(&["explain", "--model", &rows, "--rows", &rows])), 1);
    assert_eq!(code(&wherefore(&["explain", "--model", &model, "--rows", "nowhere.csv"])), 2);
    assert_eq!(code(&wherefore(&["explain", "--model", &model, "--rows", &rows, "--method", "guess"])), 2);
    assert_eq!(code(&wherefore(&["explain"])), 2);
}

#[tokio::test]
async fn a_decision_is_checked_as_a_file_and_handed_in() {
    let world = World::new().await;
    let site = world
        .bridge_with(|config| {
            config.records_dir = None;
            config.models.clear();
        })
        .await;
    let dir = tempfile::tempdir().unwrap();
    let record = recent(&world).await;
    let file = keep(dir.path(), "record.json", record.to_string());
    let model = model_file().display().to_string();
    let registry = world.deployment.registry.to_string();

    let checked = wherefore(&["decision", "check", &file, "--model", &model, "--registry", &registry, "--json"]);
    assert_eq!(code(&checked), 0, "{}", said(&checked));
    assert_eq!((json(&checked)["verification"].as_str(), json(&checked)["signature"].as_str()), (Some("recomputed"), Some("valid")));
    assert_eq!(json(&wherefore(&["decision", "check", &file, "--json"]))["verification"], "claimed");
    let elsewhere = world.deployment.token.to_string();
    assert_eq!(code(&wherefore(&["decision", "check", &file, "--registry", &elsewhere])), 1);
    let mut wish = record.clone();
    wish["changes"][0]["to"] = "59".into();
    let forged = keep(dir.path(), "forged.json", wish.to_string());
    let refused = wherefore(&["decision", "check", &forged]);
    assert_eq!(code(&refused), 1);
    assert!(String::from_utf8_lossy(&refused.stdout).contains("MISMATCH"));
    let broken = keep(dir.path(), "broken.json", "{}");
    assert_eq!(code(&wherefore(&["decision", "check", &broken])), 1);
    assert_eq!(code(&wherefore(&["decision", "check", "nowhere.json"])), 2);

    let url = site.url.clone();
    let submit = async |file: &str, model: &str, url: &str| {
        let words = ["decision", "submit", file, "--bridge", url, "--model", model, "--json"].map(str::to_owned);
        // The bridge runs on this thread.
        tokio::task::spawn_blocking(move || wherefore(&words.each_ref().map(String::as_str))).await.unwrap()
    };
    for new in [true, false] {
        let done = submit(&file, &model, &url).await;
        assert_eq!(code(&done), 0, "{}", said(&done));
        let told = json(&done);
        assert_eq!((told["new"].as_bool(), told["verification"].as_str()), (Some(new), Some("recomputed")));
    }
    let refused = submit(&forged, &model, &url).await;
    assert_eq!(code(&refused), 1);
    assert!(said(&refused).contains("signed it"), "{}", said(&refused));
    let refused = submit(&file, &file, &url).await;
    assert!(code(&refused) == 1 && said(&refused).contains("model.sha256"), "{}", said(&refused));
    assert_eq!(code(&submit(&file, &model, "http://127.0.0.1:9").await), 3);
    assert_eq!(site.items("/api/v1/decisions").await.len(), 1);
}
