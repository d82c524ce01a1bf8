// A wallet for the local devnet only. It announces itself like any other (EIP-6963), lets the reader be one of the
// demo's members, asks before it signs or sends, and forwards everything to the devnet's own node, which holds the
// members' keys. On any other chain this file is not served.
(() => {
  "use strict";

  const CHOSEN = "wherefore.demo-wallet.account";
  const listeners = new Map();
  let members = null;
  let chainId = null;

  class Refused extends Error {
    constructor(code, message, data) {
      super(message);
      this.code = code;
      if (data !== undefined) this.data = data;
    }
  }

  // ---- the devnet ---------------------------------------------------------------------------------------------

  let nextId = 1;
  async function rpc(method, params) {
    let answer;
    try {
      const response = await fetch("/devnet/rpc", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: nextId++, method, params: params ?? [] }),
      });
      answer = await response.json();
    } catch {
      throw new Refused(4900, "The devnet does not answer.");
    }
    if (answer.error) throw new Refused(answer.error.code ?? -32603, answer.error.message ?? "The devnet refused.", answer.error.data);
    return answer.result;
  }

  async function everyone() {
    if (!members) {
      const response = await fetch("/devnet/accounts");
      if (!response.ok) throw new Refused(4900, "The devnet's members are not known.");
      members = await response.json();
    }
    return members;
  }

  function recall() {
    try { return localStorage.getItem(CHOSEN); } catch { return null; }
  }
  function remember(account) {
    try { localStorage.setItem(CHOSEN, account); } catch { /* private windows keep nothing */ }
  }

  async function current() {
    const account = recall();
    if (!account) return [];
    const known = (await everyone()).some((member) => same(member.address, account));
    return known ? [account] : [];
  }

  async function chain() {
    chainId ??= await rpc("eth_chainId");
    return chainId;
  }

  const same = (a, b) => String(a).toLowerCase() === String(b).toLowerCase();
  const emit = (event, value) => (listeners.get(event) ?? []).forEach((listener) => listener(value));

  // ---- dialogs ------------------------------------------------------------------------------------------------

  function element(name, properties, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties ?? {})) {
      if (key in made) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  // Shows a dialog until it is answered; Escape and closing count as no.
  function ask(id, title, fill) {
    return new Promise((resolve) => {
      const dialog = element("dialog", { id, className: "dialog demo-wallet" });
      dialog.setAttribute("aria-labelledby", `${id}-title`);
      dialog.setAttribute("data-testid", id);
      let answer = null;
      const finish = (value) => { answer = value; dialog.close(); };
      dialog.addEventListener("close", () => { dialog.remove(); resolve(answer); });
      const heading = element("h2", { id: `${id}-title`, textContent: title });
      dialog.append(element("div", { className: "stack" }, element("p", { className: "kicker", textContent: "Demo wallet (devnet only)" }), heading, ...fill(finish)));
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  async function chooseMember() {
    const everybody = await everyone();
    const chosen = await ask("demo-wallet-dialog", "Who would you like to be?", (finish) => {
      const list = element("ul", { className: "plain-list stack stack-tight" });
      for (const member of everybody) {
        const button = element("button", { type: "button", className: "button button-quiet demo-wallet-member" },
          element("span", { className: "demo-wallet-who" },
            element("b", { textContent: member.name ?? "A member" }),
            element("span", { className: "small muted", textContent: member.about ?? "" }),
          ),
          element("span", { className: "small muted num", textContent: member.votes ? `${member.votes} votes` : "" }),
        );
        button.setAttribute("data-account", member.address);
        if (same(member.address, recall())) button.setAttribute("aria-current", "true");
        button.addEventListener("click", () => finish(member.address));
        list.append(element("li", {}, button));
      }
      const cancel = element("button", { type: "button", className: "button button-quiet button-small", id: "demo-wallet-cancel", textContent: "Cancel" });
      cancel.addEventListener("click", () => finish(null));
      return [element("p", { className: "small muted", textContent: "These accounts exist on this machine's devnet alone; nothing here is worth anything." }), list, element("p", {}, cancel)];
    });
    if (!chosen) throw new Refused(4001, "The member was not chosen.");
    const before = recall();
    remember(chosen);
    if (!same(before, chosen)) emit("accountsChanged", [chosen]);
    return [chosen];
  }

  // Tells in words what is asked, and continues only with a yes.
  async function confirm(title, account, sentences, bytes) {
    const member = (await everyone()).find((one) => same(one.address, account));
    if (!member) throw new Refused(4100, "That account is not one of the demo's members.");
    const yes = await ask("demo-wallet-confirm-dialog", title, (finish) => {
      const accept = element("button", { type: "button", className: "button", id: "demo-wallet-confirm", textContent: "Confirm" });
      const reject = element("button", { type: "button", className: "button button-quiet", id: "demo-wallet-reject", textContent: "Reject" });
      accept.addEventListener("click", () => finish(true));
      reject.addEventListener("click", () => finish(false));
      const raw = element("details", { className: "fold" }, element("summary", { textContent: "Exactly what is signed or sent" }), element("pre", { className: "code", tabIndex: 0, textContent: bytes }));
      return [
        element("p", { textContent: `As ${member.name ?? member.address}:` }),
        ...sentences.map((sentence) => element("p", { className: "demo-wallet-words", textContent: sentence })),
        raw,
        element("p", { className: "cluster" }, accept, reject),
      ];
    });
    if (yes !== true) throw new Refused(4001, "Rejected in the demo wallet.");
  }

  // ---- words --------------------------------------------------------------------------------------------------

  const FUNCTIONS = {
    "0x7b3c71d3": (data) => `Vote ${support(data)} on a proposal, with a reason that stays on the chain.`,
    "0x56781388": (data) => `Vote ${support(data)} on a proposal.`,
    "0x7d5e81e2": () => "Make a proposal. Members will vote on it; nothing happens before that.",
    "0x5c19a95c": (data) => `Delegate your votes to ${name(`0x${data.slice(34, 74)}`)}.`,
    "0xa0712d68": (data) => `Mint ${BigInt(`0x${data.slice(10, 74)}`)} token(s).`,
    "0xa9059cbb": (data) => `Send tokens to ${name(`0x${data.slice(34, 74)}`)}.`,
    "0x160cbed7": () => "Place a proposal that passed in the timelock.",
    "0x2656227d": () => "Carry out a proposal whose delay is over.",
    "0x452115d6": () => "Withdraw a proposal.",
    "0x30e5993a": (data) => `Publish a verdict on a decision: ${verdict(data)}.`,
  };
  const support = (data) => ["against", "for", "to abstain"][Number(BigInt(`0x${data.slice(74, 138) || "0"}`))] ?? "in an unknown way";
  const verdict = (data) => {
    const response = Number(BigInt(`0x${data.slice(74, 138) || "0"}`));
    return `${response >= 80 ? "it holds" : response >= 40 ? "doubtful" : "it does not hold"} (${response} of 100)`;
  };
  const name = (address) => (members ?? []).find((member) => same(member.address, address))?.name ?? address;

  function ether(quantity) {
    const wei = BigInt(quantity ?? 0);
    const fraction = (wei % 10n ** 18n).toString().padStart(18, "0").replace(/0+$/, "");
    return `${wei / 10n ** 18n}${fraction ? `.${fraction}` : ""} ETH`;
  }

  function inWords(transaction) {
    const data = transaction.data ?? transaction.input ?? "0x";
    const value = BigInt(transaction.value ?? 0);
    const known = FUNCTIONS[data.slice(0, 10).toLowerCase()];
    const sentences = [];
    if (data === "0x") sentences.push(`Send ${ether(value)} to ${name(transaction.to)}.`);
    else {
      sentences.push(known ? known(data) : `Call a function that this wallet does not know (${data.slice(0, 10)}).`);
      if (value > 0n) sentences.push(`${ether(value)} are sent along.`);
    }
    sentences.push(`To ${name(transaction.to ?? "a new contract")}.`);
    return sentences;
  }

  function text(hex) {
    try {
      const bytes = Uint8Array.from(hex.slice(2).match(/../g) ?? [], (pair) => parseInt(pair, 16));
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return hex;
    }
  }

  // ---- EIP-1193 -----------------------------------------------------------------------------------------------

  async function allowed(account) {
    const [chosen] = await current();
    if (!chosen || !same(chosen, account)) throw new Refused(4100, "That account is not the one chosen in the demo wallet.");
    return chosen;
  }

  const methods = {
    eth_accounts: current,
    eth_requestAccounts: chooseMember,
    wallet_requestPermissions: async () => { await chooseMember(); return [{ parentCapability: "eth_accounts" }]; },
    eth_chainId: chain,
    net_version: async () => String(Number(await chain())),
    wallet_switchEthereumChain: async ([wanted]) => {
      if (BigInt(wanted?.chainId ?? 0) !== BigInt(await chain())) throw new Refused(4902, "The demo wallet knows the devnet alone.");
      return null;
    },
    wallet_addEthereumChain: async ([wanted]) => methods.wallet_switchEthereumChain([wanted]),
    personal_sign: async ([message, account]) => {
      const signer = await allowed(account);
      const shown = typeof message === "string" && message.startsWith("0x") ? text(message) : String(message);
      const signIn = /wants you to sign in with your Ethereum account/.test(shown);
      await confirm(signIn ? "Sign in?" : "Sign this message?", signer, [signIn ? `Prove to ${shown.split(" ")[0]} that this account is yours. It moves nothing and costs nothing.` : "Put your signature under the message below."], shown);
      return rpc("personal_sign", [message, signer]);
    },
    eth_signTypedData_v4: async ([account, data]) => {
      const signer = await allowed(account);
      const typed = typeof data === "string" ? JSON.parse(data) : data;
      await confirm("Sign this statement?", signer, [`Put your signature under a “${typed.primaryType}” for ${typed.domain?.name ?? "an unnamed application"}.`], JSON.stringify(typed.message ?? typed, null, 2));
      return rpc("eth_signTypedData_v4", [signer, typed]);
    },
    eth_sendTransaction: async ([transaction]) => {
      const sender = await allowed(transaction.from);
      await confirm("Send this transaction?", sender, inWords(transaction), JSON.stringify(transaction, null, 2));
      return rpc("eth_sendTransaction", [{ ...transaction, from: sender }]);
    },
  };

  const provider = Object.freeze({
    isDemoWallet: true,
    async request({ method, params }) {
      const own = Object.hasOwn(methods, method) ? methods[method] : null;
      return own ? own(params ?? []) : rpc(method, params);
    },
    on(event, listener) {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
      return provider;
    },
    removeListener(event, listener) {
      listeners.set(event, (listeners.get(event) ?? []).filter((one) => one !== listener));
      return provider;
    },
  });

  // ---- EIP-6963 -----------------------------------------------------------------------------------------------

  const icon = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='#0d6557'/><path d='M5 14c4-4 7-4 11 0s7 4 11 0M5 21c4-4 7-4 11 0s7 4 11 0' fill='none' stroke='#fdfaf3' stroke-width='2.5' stroke-linecap='round'/></svg>";
  const info = Object.freeze({
    uuid: globalThis.crypto?.randomUUID?.() ?? "7d3d1b1e-0000-4000-8000-000000000001",
    name: "Demo wallet (devnet only)",
    icon: `data:image/svg+xml,${encodeURIComponent(icon)}`,
    rdns: "org.wherefore.demo",
  });
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
