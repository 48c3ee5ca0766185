// The structure of the DAG: which boxes there are, where each stands, and what leads to it.

// The tasks per category become one box each; a box is {key, nodes, requires}.
export function boxes(nodes) {
  const all = new Map();
  const boxOf = new Map(nodes.map((node) => [node.task, node.category ? node.family : node.task]));
  for (const node of nodes) {
    const key = boxOf.get(node.task);
    const box = all.get(key) ?? { key, nodes: [], requires: new Set(), isGroup: Boolean(node.category) };
    box.nodes.push(node);
    for (const below of node.requires) if (boxOf.has(below)) box.requires.add(boxOf.get(below));
    all.set(key, box);
  }
  for (const node of nodes) {
    if (!node.group) continue;
    if (!all.has(node.group))
      all.set(node.group, {
        key: node.group,
        nodes: [],
        requires: new Set(all.get(node.task).requires),
        isGroup: true,
      });
    all.get(node.task).requires.add(node.group);
  }
  return all;
}

// Levels from the left; a box stands right of all that it requires.
export function levels(all) {
  const level = new Map();
  const of = (key) => {
    if (!level.has(key)) {
      const below = [...all.get(key).requires].map(of);
      level.set(key, below.length ? Math.max(...below) + 1 : 0);
    }
    return level.get(key);
  };
  for (const key of all.keys()) of(key);
  return level;
}

// What a box requires directly: not what another of its requirements requires, too.
export function direct(all) {
  const reached = new Map();
  const below = (key) => {
    if (!reached.has(key)) {
      const every = new Set();
      for (const next of all.get(key).requires) for (const further of [next, ...below(next)]) every.add(further);
      reached.set(key, every);
    }
    return reached.get(key);
  };
  return new Map(
    [...all.values()].map((box) => [
      box.key,
      [...box.requires].filter((key) => ![...box.requires].some((other) => other !== key && below(other).has(key))),
    ]),
  );
}
