using Serilog;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// Every step of the sacred order passes here. It tells them to the log, and lets a test hold the program after one of
/// them, to kill it exactly there.
/// </summary>
/// <param name="holdAfter">The steps to hold after, <c>Releasing</c> or <c>Releasing:vdb</c>, with commas between them; null
/// holds nowhere.</param>
/// <param name="hold">Holds the program.</param>
/// <param name="log">Takes the steps.</param>
public sealed class FaultInjection(string? holdAfter, Action hold, ILogger log)
{
    private readonly HashSet<string> holds = [.. (holdAfter ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries)];

    public void Pass(DomainName domain, JobStep step, DiskTarget? disk = null)
    {
        log.Debug("{Domain}: step {Step} {Disk}", domain, step, disk);
        if (holds.Remove($"{step}:{disk}") || holds.Remove(step.ToString()))
        {
            // Once: a step may come again, when what it did was undone meanwhile.
            hold();
        }
    }
}
