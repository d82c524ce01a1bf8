//! What a proposal would call, in words first; the arguments and the bytes are a fold away.

use leptos::prelude::*;

use super::{
    address::{Address, Hash},
    section::Fold,
};
use crate::views::ActionView;

#[component]
pub fn ActionTable(actions: Vec<ActionView>) -> impl IntoView {
    let rows: Vec<_> = actions.into_iter().map(|action| view! { <li><div><Call action/></div></li> }).collect();
    view! { <ol class="actions">{rows}</ol> }
}

#[component]
fn Call(action: ActionView) -> impl IntoView {
    let bytes = action.calldata.len().saturating_sub(2) / 2;
    let arguments: Vec<_> = action
        .arguments
        .into_iter()
        .map(|argument| {
            view! {
                <tr>
                    <th scope="row">{argument.name}</th>
                    <td><code>{argument.kind}</code></td>
                    <td class="hash">{argument.value}</td>
                </tr>
            }
        })
        .collect();
    let named = !arguments.is_empty();
    view! {
        <p class="action-words">{action.words}</p>
        {(!action.known).then(|| view! {
            <p class="note note-now small">"This function is not one we know. Read the bytes before you vote."</p>
        })}
        <div class="action-target">
            <span>"to "<Address party=action.target.clone()/></span>
            {(!action.value.is_empty()).then(|| view! { <span>"sending "<b class="num">{action.value.clone()}" ETH"</b></span> })}
        </div>
        <Fold summary="Function, arguments and raw bytes">
            <p class="small">"Contract: "<Hash value=action.target.address/></p>
            <p class="hash">{action.function}</p>
            {named.then(|| view! {
                <div class="scroll" tabindex="0" role="group" aria-label="Arguments">
                    <table class="table">
                        <thead><tr><th scope="col">"Argument"</th><th scope="col">"Type"</th><th scope="col">"Value"</th></tr></thead>
                        <tbody>{arguments}</tbody>
                    </table>
                </div>
            })}
            <p class="small muted">{format!("Calldata, {bytes} bytes")}</p>
            <pre class="code" tabindex="0">{action.calldata}</pre>
        </Fold>
    }
}
