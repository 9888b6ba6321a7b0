export { UNCONFIRMED_LETTERS_MAX, createRedrive } from './hand/create-redrive.ts';
export {
  type MovableLetters,
  type LettersMoved,
  discardable,
  restorable,
  discardLetters,
  restoreLetters,
} from './hand/discard-letters.ts';
export { type LetterFilter, type LetterSummary, findLetters } from './hand/find-letters.ts';
export {
  LETTER_FACTS,
  type LetterFact,
  type LetterGroup,
  type LetterStats,
  letterStats,
} from './hand/letter-stats.ts';
export {
  type RedriveCandidates,
  redriveCandidates,
  type CandidateRecord,
  candidateRecords,
} from './hand/redrive-candidates.ts';
export { type JobOrder, orderJob } from './hand/redrive-control.ts';
export {
  type RedriveJob,
  listRedriveJobs,
  redriveJob,
  type RedriveReceipt,
  redriveReceipts,
} from './hand/redrive-jobs.ts';
export {
  type LetterFacts,
  type LetterRecord,
  type ShownLetter,
  showLetter,
  revealLetter,
} from './hand/show-letter.ts';
export { admitRedrives } from './life/admit-redrives.ts';
export { type ExhaustedLetter, exhaustedLetters, markDead } from './life/bury-letters.ts';
export { confirmLetters } from './life/confirm-letters.ts';
export { type CopiedLetter, copyLetters } from './life/copy-letters.ts';
export { EXPIRED_AT_ONCE_MAX, expireLetterRecords } from './life/expire-records.ts';
export {
  type HeldLane,
  type AttemptLimits,
  type LeasedLetter,
  leaseLetters,
  exhaustLetters,
  isRedriveDue,
  endLapsedTries,
} from './life/lease-letters.ts';
export { type DlqVolume, dlqEnd, dlqVolume } from './life/dlq-volume.ts';
export { type SettledTry, settleTries } from './life/settle-tries.ts';
