// A fraud service in plain JavaScript: nothing but Node's own modules, and the contract that
// `batuta project order.yaml --participant fraud --format asyncapi` prints.
//
// A request is a CloudEvent, posted as JSON. The response is the event that answers it: completed,
// with the output as its data, or faulted, with problem details. What is not decided yet is answered
// with 202, and asked again. The same request (its id) gets the same answer, however often it comes.

import { createServer } from "node:http";
import { randomUUID } from "node:crypto";

const answers = new Map(); // request id -> answer; a real service keeps them in its database
const waiting = new Map(); // request id -> when somebody will have looked at it

function decide(request) {
  const { customer, cents } = request.data;
  if (customer === "mallory") {
    return faulted(request, { title: "Customer is blocked", status: 403 });
  }
  if (cents >= 100_000 && !looked(request)) return null;
  return completed(request, { score: Math.min(99, Math.floor(cents / 2_000)), reference: randomUUID() });
}

function looked(request) {
  if (!waiting.has(request.id)) waiting.set(request.id, Date.now() + 500);
  return Date.now() >= waiting.get(request.id);
}

const completed = (request, data) => answer(request, "completed", data);
const faulted = (request, problem) => answer(request, "faulted", problem);

function answer(request, how, data) {
  return {
    specversion: "1.0",
    id: randomUUID(),
    source: "/fraud",
    type: request.type.replace(/requested$/, how),
    datacontenttype: "application/json",
    data,
    // Passed back as they came, so that the answer finds its request.
    batutarun: request.batutarun,
    batutatask: request.batutatask,
    batutakey: request.batutakey,
  };
}

async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString("utf8"));
}

const server = createServer(async (incoming, response) => {
  try {
    const request = await read(incoming);
    console.log(`asked ${request.id} ${JSON.stringify(request.data)}`);
    const decided = answers.get(request.id) ?? decide(request);
    if (decided === null) {
      response.writeHead(202, { "retry-after": "1" }).end();
      return;
    }
    answers.set(request.id, decided);
    response.writeHead(200, { "content-type": "application/cloudevents+json" });
    response.end(JSON.stringify(decided));
  } catch (error) {
    response.writeHead(400, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ title: "Not a request", status: 400, detail: String(error) }));
  }
});

server.listen(Number(process.env.PORT ?? 8087), "127.0.0.1", () => {
  console.log(`listening on ${server.address().port}`);
});
