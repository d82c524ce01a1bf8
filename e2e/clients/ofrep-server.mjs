// The server client: one request for each flag.

import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

import { ask, base, conclude, engineId, expect, parameters } from "./parameters.mjs";

await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: base }));
const client = OpenFeature.getClient();
OpenFeature.setContext({ engine: engineId });
for (const parameter of parameters) expect(parameter, await ask(client, parameter));
conclude("@openfeature/ofrep-provider");
