// flagd's own evaluation, fed with the file that its HTTP sync would fetch.

import { FlagdCore } from "@openfeature/flagd-core";

import { base, conclude, engineId, expect, parameters } from "./parameters.mjs";

const flagd = new FlagdCore();
flagd.setConfigurations(await (await fetch(`${base}/flagd/${engineId}.json`)).text());
const silent = { error() {}, warn() {}, info() {}, debug() {} };
for (const parameter of parameters) {
  const { key, value } = parameter;
  const resolve = { boolean: "resolveBooleanEvaluation", number: "resolveNumberEvaluation", string: "resolveStringEvaluation" }[typeof value];
  const wrongDefault = { boolean: !value, number: -1, string: "a default that nothing is" }[typeof value];
  expect(parameter, flagd[resolve](key, wrongDefault, {}, silent));
}
conclude("@openfeature/flagd-core");
