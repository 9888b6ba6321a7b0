import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { ChooseResult } from '../tasks/tasks.ts';

/** What is known of the marks beside them. */
function summaryFile(chosenFile: string): string {
  return `${chosenFile}.json`;
}

/** What was chosen before for this topic; null where the marks are missing or of another size. */
export function loadChoice(chosenFile: string, events: number): ChooseResult | null {
  try {
    if (statSync(chosenFile).size !== events) return null;
    return JSON.parse(readFileSync(summaryFile(chosenFile), 'utf8')) as ChooseResult;
  } catch {
    return null;
  }
}

export function rememberChoice(chosenFile: string, choice: ChooseResult): void {
  writeFileSync(summaryFile(chosenFile), JSON.stringify(choice));
}

export function removeChoice(chosenFile: string): void {
  for (const path of [chosenFile, summaryFile(chosenFile)]) rmSync(path, { force: true });
}
