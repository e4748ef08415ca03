// GitHub's own parser and evaluator of workflows as a service: one JSON request a line comes in, one JSON answer a
// line goes out. It ends when its input ends.
import * as modules from "node:module";
import {createInterface} from "node:readline";
import {load} from "./json_modules.mjs";

if (modules.registerHooks) modules.registerHooks({load});
else modules.register("./json_modules.mjs", import.meta.url);

const {Lexer, Parser, Evaluator, data} = await import("@actions/expressions");
const {TokenType: LexerToken} = await import("@actions/expressions/lexer");
const {truthy} = await import("@actions/expressions/result");
const {parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter} = await import("@actions/workflow-parser");
const {parseAction, convertActionTemplate} = await import("@actions/workflow-parser/actions/index");
const {convertToIfCondition} = await import("@actions/workflow-parser/model/converter/if-condition");
const {splitAllowedContext} = await import("@actions/workflow-parser/templates/allowed-context");
const {TokenType} = await import("@actions/workflow-parser/templates/tokens/types");
const {StringToken} = await import("@actions/workflow-parser/templates/tokens/string-token");

// The reader takes a text of several lines from its source, indentation and folding included; without a source it
// takes the value, as GitHub's server does.
Object.defineProperty(StringToken.prototype, "source", {get() {}, set() {}});

// How an expression looks in an answer's document, and in the values of a later request.
const MARK = "${{ }}";

function expression(token) {
  return {[MARK]: token.expression, allowed: token.definitionInfo?.allowedContext ?? []};
}

function isCondition(key, token) {
  const allowed = token.definitionInfo?.allowedContext ?? [];
  return key === "if" && allowed.some(name => name.startsWith("success("));
}

function pair(context, item) {
  if (item.key.isExpression) throw new Error(`a key that is an expression is not supported: ${item.key}`);
  const key = item.key.toString();
  if (!isCondition(key, item.value)) return [key, plain(context, item.value)];
  const condition = convertToIfCondition(context, item.value);
  return [key, condition ? expression(condition) : null];
}

function plain(context, token) {
  switch (token.templateTokenType) {
    case TokenType.Mapping:
      return Object.fromEntries([...token].map(item => pair(context, item)));
    case TokenType.Sequence:
      return [...token].map(item => plain(context, item));
    case TokenType.BasicExpression:
      return expression(token);
    case TokenType.InsertExpression:
      throw new Error("`${{ insert }}` is not supported");
    case TokenType.Null:
      return null;
    default:
      return token.value;
  }
}

function problems(context) {
  return [...new Set(context.errors.getErrors().map(error => error.message))];
}

async function workflow({name, content}) {
  const {context, value} = parseWorkflow({name, content}, new NoOperationTraceWriter());
  if (!value || context.errors.count) return {errors: problems(context)};
  const {events} = await convertWorkflowTemplate(context, value);
  const document = plain(context, value);
  return {errors: problems(context), document, events};
}

function action({name, content}) {
  const {context, value} = parseAction({name, content}, new NoOperationTraceWriter());
  if (!value || context.errors.count) return {errors: problems(context)};
  convertActionTemplate(context, value);
  const document = plain(context, value);
  return {errors: problems(context), document};
}

function revive(value) {
  const {reviver} = data;
  return JSON.parse(JSON.stringify(value), reviver);
}

function functionsOf(infos, status) {
  const answers = {always: true, ...status};
  return new Map(infos.map(info => [info.name.toLowerCase(), {...info, call: (...given) => {
    if (!(info.name in answers) || given.length) throw new Error(`${info.name}(${given.length ? "…" : ""}) is not supported`);
    return new data.BooleanData(answers[info.name]);
  }}]));
}

// The lexer undoes only the first '' in a string; GitHub's server undoes them all.
function tokensOf(text) {
  return new Lexer(text).lex().tokens.map(token => token.type === LexerToken.STRING
    ? {...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'")}
    : token);
}

function evaluateOne(text, allowed, contexts, status) {
  const {namedContexts, functions} = splitAllowedContext(allowed);
  const tree = new Parser(tokensOf(text), namedContexts, functions).parse();
  const known = new data.Dictionary(...namedContexts.filter(name => name in contexts).map(name => ({
    key: name, value: contexts[name]
  })));
  return new Evaluator(tree, known, functionsOf(functions, status)).evaluate();
}

function evaluateTree(node, contexts, status) {
  if (Array.isArray(node)) return node.map(item => evaluateTree(item, contexts, status));
  if (node === null || typeof node !== "object") return node;
  if (MARK in node) return JSON.parse(JSON.stringify(evaluateOne(node[MARK], node.allowed, contexts, status), data.replacer));
  return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, evaluateTree(item, contexts, status)]));
}

function revived(contexts) {
  return Object.fromEntries(Object.entries(contexts).map(([name, value]) => [name, revive(value)]));
}

function evaluate({value, contexts, status}) {
  return {value: evaluateTree(value, revived(contexts), status)};
}

function decide({value, contexts, status}) {
  return {value: truthy(evaluateOne(value[MARK], value.allowed, revived(contexts), status))};
}

const VERBS = {workflow, action, evaluate, decide};

async function answer(line) {
  try {
    const {verb, ...request} = JSON.parse(line);
    return await VERBS[verb](request);
  } catch (error) {
    return {error: error.message};
  }
}

for await (const line of createInterface({input: process.stdin, crlfDelay: Infinity})) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
