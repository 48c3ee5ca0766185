// Questions to the server. An error is a list of lines, each with what is wrong and the way out.

export class Problem extends Error {
  constructor(lines) {
    super(lines.join("; "));
    this.lines = lines;
  }
}

async function answered(request) {
  let answer;
  try {
    answer = await request;
  } catch {
    throw new Problem(["the server does not answer: start it again with `uv run store-clustering open`"]);
  }
  const content = await answer.json().catch(() => ({ errors: [`the server answered ${answer.status}`] }));
  if (!answer.ok) throw new Problem(content.errors);
  return content;
}

export function get(path, query = {}) {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== false));
  return answered(fetch(words.size ? `${path}?${words}` : path));
}

export function post(path, content, csrf) {
  return answered(
    fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(content),
    }),
  );
}
