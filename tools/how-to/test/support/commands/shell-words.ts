const ASSIGNMENT = /^[A-Z_]+=/;

/**
 * The pipelines of a line as a shell reads it, as far as documents go: quotes, comments, `|`, `;`, `&&`, lines
 * that go on. Assignments before a command, `do`, and where output goes (`> FILE`) are left out.
 */
export function simpleCommands(line: string): string[][][] {
  const pipelines: string[][][] = [[[]]];
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined) pipelines.at(-1)?.at(-1)?.push(word);
    word = undefined;
  };
  const text = line.replaceAll(/\\\n/g, ' ');
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === "'" || char === '"') {
      const end = text.indexOf(char, at + 1);
      if (end === -1) throw new Error(`a quote is not closed: ${line}`);
      word = (word ?? '') + text.slice(at + 1, end);
      at = end;
    } else if (char === '#' && word === undefined) {
      const end = text.indexOf('\n', at);
      at = end === -1 ? text.length : end - 1;
    } else if (char === '|') {
      endWord();
      pipelines.at(-1)?.push([]);
    } else if (char === ';' || char === '&') {
      endWord();
      pipelines.push([[]]);
    } else if (/\s/.test(char)) {
      endWord();
    } else {
      word = (word ?? '') + char;
    }
  }
  endWord();
  return pipelines
    .map((pipeline) => pipeline.map(withoutFrame).filter((words) => words.length > 0))
    .filter((pipeline) => pipeline.length > 0);
}

function withoutFrame(words: readonly string[]): string[] {
  const begin = words.findIndex((word) => word !== 'do' && !ASSIGNMENT.test(word));
  const end = words.indexOf('>');
  return begin === -1 ? [] : words.slice(begin, end === -1 ? undefined : end);
}
