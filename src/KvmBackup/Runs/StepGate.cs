using KvmBackup.Model;
using Serilog;

namespace KvmBackup.Runs;

/// <summary>
/// Every step of the sacred order passes here. It tells them to the log, and lets a test hold the program after one of
/// them, to kill it exactly there.
/// </summary>
/// <param name="holdAfter">The step to hold after, <c>Releasing</c> or <c>Releasing:vdb</c>; null holds nowhere.</param>
/// <param name="hold">Holds the program.</param>
/// <param name="log">Takes the steps.</param>
public sealed class StepGate(string? holdAfter, Action hold, ILogger log)
{
    private bool hasHeld;

    public void Pass(DomainName domain, JobStep step, DiskTarget? disk = null)
    {
        log.Debug("{Domain}: step {Step} {Disk}", domain, step, disk);
        if (!hasHeld && holdAfter is not null && (holdAfter == step.ToString() || holdAfter == $"{step}:{disk}"))
        {
            // Once: a step may come again, when what it did was undone meanwhile.
            hasHeld = true;
            hold();
        }
    }
}
