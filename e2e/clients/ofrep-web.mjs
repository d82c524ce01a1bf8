// The web client: one bulk request, then changes by server-sent events.

import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature } from "@openfeature/web-sdk";

import { ask, base, conclude, engineId, expect, parameters } from "./parameters.mjs";

await OpenFeature.setContext({ engine: engineId });
await OpenFeature.setProviderAndWait(new OFREPWebProvider({ baseUrl: base }));
const client = OpenFeature.getClient();
for (const parameter of parameters) expect(parameter, ask(client, parameter));
conclude("@openfeature/ofrep-web-provider");
