using KvmBackup.Hypervisor;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>Freezes a guest as far as its settings want and its agent can, and says when it is less.</summary>
public sealed class GuestFreeze(GuestAgent agent, ILogger log)
{
    // VSS thaws by itself after ten seconds, and what was pinned after that is of no single instant.
    private static readonly TimeSpan WindowsLimit = TimeSpan.FromSeconds(8);

    /// <summary>Asks before anything is changed.</summary>
    /// <exception cref="RunsException">A freeze is required and impossible, or someone else's freeze is on.</exception>
    public async Task<FreezeCapability> PrepareAsync(DomainJob job, CancellationToken cancellationToken)
    {
        TimeSpan limit = job.Settings.FreezeTimeout;
        string? obstacle = job switch
        {
            { Settings.Quiesce: QuiesceMode.Off } => "quiesce is off",
            { Facts.State: DomainState.Paused } => "the guest is paused",
            { Facts.HasAgentChannel: false } => "the domain has no guest agent channel",
            _ => null,
        };
        if (obstacle is null)
        {
            AgentStatus status = await agent.ReadStatusAsync(job.Facts.Identity, cancellationToken);
            if (status.IsFrozen)
            {
                // A guest that someone else froze must not be thawed by us.
                throw new RunsException(
                    "the guest's file systems are already frozen, by someone else: nothing was touched. If nobody needs "
                    + $"that, type: `virsh domfsthaw {job.Facts.Uuid}`", ExitCode.ManualActionRequired);
            }

            obstacle = status.IsAnswering ? null : $"the guest agent does not answer: {status.Complaint}";
            if (status.IsAnswering && limit > WindowsLimit && await agent.IsWindowsAsync(job.Facts.Identity, cancellationToken))
            {
                limit = WindowsLimit;
            }
        }

        Downgrade(job, obstacle);
        return new FreezeCapability(obstacle, limit);
    }

    /// <summary>Freezes; a scope that thaws, or the reason why there is none.</summary>
    /// <exception cref="HypervisorException">The guest may be left frozen: a person must look.</exception>
    /// <exception cref="RunsException">A freeze is required and failed; the guest is thawed.</exception>
    public async Task<FreezeResult> BeginAsync(DomainJob job, FreezeCapability chance, CancellationToken cancellationToken)
    {
        if (chance.Obstacle is not null)
        {
            return new FreezeResult(null, chance.Obstacle);
        }

        try
        {
            return new FreezeResult(
                await agent.FreezeAsync(job.Facts.Identity, chance.Limit, cancellationToken), null);
        }
        catch (HypervisorException failure) when (failure.ExitCode != ExitCode.ManualActionRequired)
        {
            Downgrade(job, failure.Message);
            return new FreezeResult(null, failure.Message);
        }
    }

    private void Downgrade(DomainJob job, string? obstacle)
    {
        if (obstacle is null || job.Settings.Quiesce == QuiesceMode.Off)
        {
            return;
        }

        if (job.Settings.Quiesce == QuiesceMode.Require)
        {
            throw new RunsException(
                $"quiesce: require, and the guest cannot be frozen: {obstacle}. Mend the agent in the guest "
                + "(package qemu-guest-agent), or allow crash consistency with quiesce: try");
        }

        log.Warning("{Domain}: only crash-consistent: {Obstacle}", job.Facts.Name, obstacle);
    }
}

/// <summary>Whether a guest can be frozen.</summary>
/// <param name="Obstacle">Why not; null while nothing speaks against it.</param>
/// <param name="Limit">The longest that it may stay frozen.</param>
public sealed record FreezeCapability(string? Obstacle, TimeSpan Limit);

/// <summary>A frozen guest, or why it is not.</summary>
public sealed record FreezeResult(FrozenGuest? Guest, string? Obstacle);
