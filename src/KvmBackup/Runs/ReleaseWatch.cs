using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>Whoever releases a disk learns by these what happens.</summary>
/// <param name="Reached">Gets each step.</param>
/// <param name="Noted">Gets what was done beyond the ordinary, as a sentence for the report.</param>
/// <param name="RecordSaved">Writes to the journal, before the guest is saved and after it runs again, that the guest may
/// be saved; recovery starts it in that case.</param>
public sealed record ReleaseWatch(Action<JobStep> Reached, Action<string> Noted, Func<bool, Task> RecordSaved);
