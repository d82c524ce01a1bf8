// What every client's answers are held against: the parameters as the bridge's own API tells them.

export const base = process.argv[2];
if (!base) {
  console.error("usage: node <client>.mjs http://127.0.0.1:3000");
  process.exit(2);
}

const json = async (path) => {
  const response = await fetch(base + path);
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
  return response.json();
};

export const parameters = (await json("/api/v1/parameters")).items;
const engine = (await json("/api/v1/engines")).items.find(({ id }) => id === parameters[0].engine);

/** The revision travels as the variant. */
export const variant = `r${engine.served.revision}`;
export const engineId = engine.id;

const wrong = [];

/** Notes where an answer of a client differs. */
export function expect(parameter, details) {
  const same = (what, found, wanted) => {
    if (found !== wanted) wrong.push(`${parameter.key} (${parameter.type}): ${what} is ${JSON.stringify(found)}, should be ${JSON.stringify(wanted)}`);
  };
  same("error", details.errorCode, undefined);
  same("value", details.value, parameter.value);
  same("variant", details.variant, variant);
}

/** Says what was read and ends: 0 when everything agrees, 1 otherwise. */
export function conclude(client) {
  const kinds = [...new Set(parameters.map(({ type }) => type))].sort();
  const missing = ["choice", "colour", "decimal", "integer", "text", "time", "toggle"].filter((kind) => !kinds.includes(kind));
  if (missing.length > 0) wrong.push(`no parameter is of type ${missing.join(", ")}`);
  for (const line of wrong) console.error(`WRONG ${line}`);
  if (wrong.length === 0) console.log(`${client} reads ${parameters.length} parameters of ${kinds.length} types as ratified in ${variant}`);
  process.exit(wrong.length === 0 ? 0 : 1);
}

/** Asks a client of the OpenFeature kind with the method that fits the parameter's type. */
export function ask(client, parameter) {
  const { key, value } = parameter;
  if (typeof value === "boolean") return client.getBooleanDetails(key, !value);
  if (typeof value === "number") return client.getNumberDetails(key, -1);
  return client.getStringDetails(key, "a default that nothing is");
}
