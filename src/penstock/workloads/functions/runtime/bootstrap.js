// Calls a Node.js handler once, inside the function's container; see bootstrap.py for the records.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const RUNTIME = process.env.LAMBDA_RUNTIME_DIR;
const TASK_ROOT = process.env.LAMBDA_TASK_ROOT;
const TEXT = 2500; // characters in one record: the engine cuts lines at 16 KB
const told = JSON.parse(fs.readFileSync(path.join(RUNTIME, 'invocation.json'), 'utf8'));
const began = process.hrtime.bigint();
let started = began;
let answered = false;

function seconds(from) {
  return Number(process.hrtime.bigint() - from) / 1e9;
}

function tell(kind, members) {
  const record = JSON.stringify({ kind, ...members });
  fs.writeSync(1, `\u001e${told.nonce} ${record}\n`);
}

function log(text) {
  let begin = 0;
  do {
    let end = begin + TEXT;
    if (text.codePointAt(end - 1) > 0xffff) end += 1; // not between the halves of a character
    tell('log', { text: text.slice(begin, end) });
    begin = end;
  } while (begin < text.length);
}

for (const [name, level] of Object.entries({
  debug: 'DEBUG', error: 'ERROR', info: 'INFO', log: 'INFO', trace: 'TRACE', warn: 'WARN',
})) {
  console[name] = (...values) => {
    const text = require('util').format(...values);
    log(`${new Date().toISOString()}\t${told.request_id}\t${level}\t${text}`);
  };
}

class HandlerError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = kind;
  }
}

function described(error) {
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  const trace = (error.stack || '').split('\n');
  return { errorType: error.name, errorMessage: error.message, trace };
}

function end(failed, answer) {
  if (answered) return;
  answered = true;
  const duration = seconds(started);
  fs.writeFileSync(path.join(RUNTIME, 'out', 'result'), answer);
  const memory = process.resourceUsage().maxRSS * 1024;
  tell('ended', { error: failed, duration, memory });
  process.exit(0);
}

function fail(error) {
  if (answered) return;
  const document = described(error);
  console.error('Invoke Error \t' + JSON.stringify({ ...document, stack: document.trace }));
  end(true, JSON.stringify(document));
}

function succeed(result) {
  let answer;
  try {
    answer = JSON.stringify(result === undefined ? null : result);
  } catch (error) {
    fail(new HandlerError('Runtime.MarshalError', `Unable to stringify response body: ${error}`));
    return;
  }
  end(false, answer === undefined ? 'null' : answer);
}

async function findHandler(name) {
  const at = name.indexOf('.', name.lastIndexOf('/') + 1);
  if (at < 0) throw new HandlerError('Runtime.MalformedHandlerName', 'Bad handler');
  const module = name.slice(0, at);
  const base = path.resolve(TASK_ROOT, module);
  let loaded;
  try {
    if (fs.existsSync(base + '.mjs')) loaded = await import(pathToFileURL(base + '.mjs').href);
    else if (fs.existsSync(base + '.js')) loaded = await loadScript(base + '.js');
    else loaded = require(base);
  } catch (error) {
    if (error && error.code === 'MODULE_NOT_FOUND') {
      throw new HandlerError('Runtime.ImportModuleError', `Error: ${error.message}`);
    }
    if (error instanceof SyntaxError) {
      throw new HandlerError('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`);
    }
    throw error;
  }
  const handler = name.slice(at + 1).split('.').reduce((found, key) => found && found[key], loaded);
  if (handler === undefined) {
    throw new HandlerError('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  }
  return handler;
}

async function loadScript(file) {
  try {
    return require(file);
  } catch (error) {
    if (error && error.code === 'ERR_REQUIRE_ESM') return import(pathToFileURL(file).href);
    throw error;
  }
}

function context() {
  return {
    functionName: told.function_name,
    functionVersion: '$LATEST',
    invokedFunctionArn: told.function_arn,
    memoryLimitInMB: String(told.memory_mb),
    awsRequestId: told.request_id,
    logGroupName: told.log_group,
    logStreamName: told.log_stream,
    callbackWaitsForEmptyEventLoop: true,
    clientContext: told.client_context
      ? JSON.parse(Buffer.from(told.client_context, 'base64').toString())
      : undefined,
    getRemainingTimeInMillis: () =>
      Math.max(0, Math.floor((told.timeout_seconds - seconds(started)) * 1000)),
    done: (error, result) => (error ? fail(error) : succeed(result)),
    fail,
    succeed,
  };
}

async function main() {
  const event = JSON.parse(fs.readFileSync(path.join(RUNTIME, 'event.json'), 'utf8'));
  let handler;
  let problem;
  try {
    handler = await findHandler(told.handler);
  } catch (error) {
    problem = error;
  }
  started = process.hrtime.bigint();
  tell('started', { init: Number(started - began) / 1e9 });
  if (problem) {
    fail(problem);
    return;
  }
  process.on('beforeExit', () => succeed(undefined)); // nothing is left to wait for
  const given = context();
  let called; // an answer by callback waits for what still runs, unless it is told not to
  const callback = (error, result) => {
    if (error) fail(error);
    else if (given.callbackWaitsForEmptyEventLoop) {
      called = { result };
      process.prependListener('beforeExit', () => succeed(called.result));
    } else succeed(result);
  };
  try {
    const result = handler(event, given, callback);
    if (result && typeof result.then === 'function') succeed(await result);
  } catch (error) {
    fail(error);
  }
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
main();
