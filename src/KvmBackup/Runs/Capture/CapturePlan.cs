using KvmBackup.Journaling;

namespace KvmBackup.Runs.Capture;

/// <summary>A subject that was inspected and may be captured. Nothing has changed yet.</summary>
/// <param name="Job">What was decided.</param>
/// <param name="Intent">The journal's entry, with all that an undo requires. Its argument is the backup's directory
/// while it is not published; a comparison, which publishes nothing, passes any other directory.</param>
/// <param name="Begin">Makes the capture; still without a change.</param>
public sealed record CapturePlan(
    BackupJob Job, Func<string, JournalEntry> Intent, Func<OpenEntry, RbdCapture, ICapture> Begin);
