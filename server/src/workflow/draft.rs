//! Draft: what an author edits, private until proposed; an agent's recommendation becomes a public draft of its own.

use alloy_primitives::{Address, B256};
use governance::{
    explanation::{DecisionRecord, one_line, three_lines},
    proposal::{Action, Draft, MAX_TEXT, ParameterInput},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict};

use super::WorkflowError;
use crate::{
    reading::draft_id,
    store::{Store, Tx, entities::draft},
};

/// Drafts that one person may keep.
const MAX_DRAFTS: u64 = 200;

/// The draft that a decision recommends, told in the decision's own numbers.
pub fn recommended(record: &DecisionRecord, digest: B256) -> Draft {
    let engines: std::collections::BTreeSet<&str> = record.changes.iter().map(|change| change.engine.as_str()).collect();
    let actions = engines
        .into_iter()
        .map(|engine| Action::Change {
            engine: engine.to_owned(),
            based_on: record.based_on,
            changes: record
                .changes
                .iter()
                .filter(|change| change.engine == engine)
                .map(|change| ParameterInput { key: change.key.clone(), value: change.to.clone() })
                .collect(),
        })
        .collect();
    let title = record.changes.first().map_or_else(
        || record.question.clone(),
        |change| format!("{} from {} to {}", governance::parameter::label(&change.key), change.from, change.to),
    );
    let mut text = format!("{}\n\n", one_line(record));
    for line in three_lines(record) {
        text.push_str(&format!("- {line}\n"));
    }
    text.push_str(&format!("\nRule: {} Recommended by {}.", record.rule.text, record.agent.name));
    Draft { title: title.chars().take(190).collect(), text, actions, decision_digest: Some(digest) }
}

/// Keeps an agent's recommendation as a public draft.
pub async fn from_decision(tx: &Tx, record: &DecisionRecord, digest: B256, agent: Address, now: u64) -> Result<(), WorkflowError> {
    let row = draft::ActiveModel {
        id: Set(draft_id(digest)),
        author: Set(agent.to_string()),
        public: Set(true),
        body: Set(serde_json::to_string(&recommended(record, digest)).unwrap_or_default()),
        updated_at: Set(now as i64),
    };
    draft::Entity::insert(row).on_conflict_do_nothing_on([draft::Column::Id]).exec(&tx.db).await?;
    Ok(())
}

/// What this reader may see: every public draft and their own, newest first.
pub async fn visible_to(store: &Store, reader: Option<Address>) -> Result<Vec<draft::Model>, WorkflowError> {
    let mut may_see = sea_orm::Condition::any().add(draft::Column::Public.eq(true));
    if let Some(reader) = reader {
        may_see = may_see.add(draft::Column::Author.eq(reader.to_string()));
    }
    Ok(draft::Entity::find()
        .filter(may_see)
        .order_by_desc(draft::Column::UpdatedAt)
        .order_by_asc(draft::Column::Id)
        .limit(200)
        .all(&store.db)
        .await?)
}

pub async fn get(store: &Store, reader: Option<Address>, id: &str) -> Result<draft::Model, WorkflowError> {
    let found = draft::Entity::find_by_id(id).one(&store.db).await?;
    // A private draft of somebody else is not told apart from none.
    found
        .filter(|row| row.public || reader.is_some_and(|reader| row.author == reader.to_string()))
        .ok_or_else(|| WorkflowError::NotFound(format!("Draft {id}")))
}

/// Saves a person's draft; an unfinished one is fine, an oversized one is not.
pub async fn save(store: &Store, author: Address, id: Option<String>, body: &Draft, now: u64) -> Result<String, WorkflowError> {
    let encoded = serde_json::to_string(body).map_err(|error| WorkflowError::Refused(error.to_string()))?;
    if body.text.len() > MAX_TEXT || encoded.len() > 4 * MAX_TEXT {
        return Err(WorkflowError::Refused(format!("The draft has {} bytes; its text may have {MAX_TEXT}.", encoded.len())));
    }
    let tx = store.begin().await?;
    let id = match id {
        Some(id) => {
            let row = draft::Entity::find_by_id(&id).one(&tx.db).await?.filter(|row| row.author == author.to_string());
            row.map(|row| row.id).ok_or_else(|| WorkflowError::NotFound(format!("Draft {id}, as one of yours,")))?
        }
        None => {
            if draft::Entity::find().filter(draft::Column::Author.eq(author.to_string())).count(&tx.db).await? >= MAX_DRAFTS {
                return Err(WorkflowError::Refused(format!("You have {MAX_DRAFTS} drafts, which is the most; delete one first.")));
            }
            alloy_primitives::hex::encode(rand::random::<[u8; 8]>())
        }
    };
    let row = draft::ActiveModel {
        id: Set(id.clone()),
        author: Set(author.to_string()),
        public: Set(false),
        body: Set(encoded),
        updated_at: Set(now as i64),
    };
    let replace = OnConflict::column(draft::Column::Id).update_columns([draft::Column::Body, draft::Column::UpdatedAt]).to_owned();
    draft::Entity::insert(row).on_conflict(replace).exec_without_returning(&tx.db).await?;
    tx.commit().await?;
    Ok(id)
}

pub async fn delete(store: &Store, author: Address, id: &str) -> Result<(), WorkflowError> {
    let tx = store.begin().await?;
    let gone = draft::Entity::delete_many()
        .filter(draft::Column::Id.eq(id))
        .filter(draft::Column::Author.eq(author.to_string()))
        .exec(&tx.db)
        .await?;
    tx.commit().await?;
    if gone.rows_affected == 0 { Err(WorkflowError::NotFound(format!("Draft {id}, as one of yours,"))) } else { Ok(()) }
}
