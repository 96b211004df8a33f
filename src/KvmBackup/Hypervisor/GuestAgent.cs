using System.Globalization;
using System.Text.Json;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Talks to the QEMU guest agent of a domain. Each call carries a limit of its own to libvirt, whose default is to wait
/// for ever, and killing virsh would not cancel the guest's command.
/// </summary>
public sealed class GuestAgent(Virsh virsh, LibvirtHost host, TimeProvider time)
{
    private const int ThawAttempts = 5;

    // The time of a libvirt daemon that is started anew, by an upgrade for instance.
    private static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ThawLimit = TimeSpan.FromSeconds(10);

    /// <summary>Asks whether the file systems are frozen; also tells whether there is an agent at all.</summary>
    public async Task<AgentStatus> AskStatusAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        ProgramResult result = await RunAsync(StatusCall(domain), cancellationToken);
        if (!result.IsSuccess)
        {
            return new AgentStatus(false, false, result.Complaint);
        }

        JsonElement? status = ReturnValue(result);
        return status is { } value && TextOf(value) is { } text
            ? new AgentStatus(true, text == "frozen", null)
            : new AgentStatus(false, false, $"it answered: {result.Complaint}");
    }

    /// <summary>Whether the guest says that it is Windows, where a freeze ends by itself.</summary>
    public async Task<bool> IsWindowsAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        ProgramResult result = await RunAsync(Call(domain, "guest-get-osinfo", AnswerLimit), cancellationToken);
        return result.IsSuccess && ReturnValue(result) is { ValueKind: JsonValueKind.Object } system
            && system.TryGetProperty("id", out JsonElement id) && TextOf(id) == "mswindows";
    }

    /// <summary>Freezes the guest's file systems.</summary>
    /// <param name="limit">After this libvirt gives up waiting.</param>
    /// <returns>A scope that thaws. When the freeze fails the guest has been thawed again.</returns>
    /// <exception cref="HypervisorException">The freeze failed; needs a person if the guest may be left frozen.</exception>
    public async Task<FrozenGuest> FreezeAsync(DomainIdentity domain, TimeSpan limit, CancellationToken cancellationToken)
    {
        FrozenGuest scope = new(this, domain, time);
        try
        {
            ProgramResult result = await RunAsync(FreezeCall(domain, limit), cancellationToken);
            if (result.IsSuccess && ReturnValue(result) is { ValueKind: JsonValueKind.Number } count && count.TryGetInt64(out long frozen) && frozen > 0)
            {
                return scope;
            }

            string complaint = result.IsSuccess ? "it froze no file system" : result.Complaint;
            throw new HypervisorException($"{domain.Name}: the guest agent did not freeze the guest: {complaint}");
        }
        catch (Exception)
        {
            // A freeze that answered late, or was interrupted, may still happen in the guest: the agent works through
            // its commands in order, so the thaw that follows undoes it.
            await scope.ThawAsync();
            throw;
        }
    }

    /// <summary>Thaws and makes sure of it; tried again, since a guest left frozen is the worst of all ends.</summary>
    /// <exception cref="HypervisorException">Not confirmed: a person must look.</exception>
    public async Task ThawAsync(DomainIdentity domain)
    {
        string complaint = string.Empty;
        long start = time.GetTimestamp();
        int attempts = 0;
        int heard = 0;
        while (heard < ThawAttempts && (attempts < ThawAttempts || time.GetElapsedTime(start) < SilenceLimit))
        {
            // Never cancelled: whatever ends the run, the guest thaws first.
            ProgramResult thaw = await RunAsync(ThawCall(domain), CancellationToken.None);
            AgentStatus status = await AskStatusAsync(domain, CancellationToken.None);
            if (status is { IsAnswering: true, IsFrozen: false })
            {
                return;
            }

            complaint = status.Complaint ?? (thaw.IsSuccess ? "the guest still says frozen" : thaw.Complaint);
            DomainState? state = await TryAskStateAsync(domain);
            if (state == DomainState.ShutOff || (state is null && await host.IsGoneAsync(domain, CancellationToken.None)))
            {
                return;
            }

            heard += state is null ? 0 : 1;
            TimeSpan pause = TimeSpan.FromMilliseconds(200 * ++attempts);
            await Task.Delay(pause < LongestPause ? pause : LongestPause, time);
        }

        throw new HypervisorException(
            $"{domain.Name}: THE GUEST MAY STILL BE FROZEN: the thaw was not confirmed in {attempts} attempts: "
            + $"{complaint}. Type: `{ThawCall(domain)}` and then: `{StatusCall(domain)}` until it says thawed; "
            + $"if the agent never answers, the guest must be reset: `{virsh.Call("reset", domain.Uuid.ToString())}`",
            ExitCode.ManualActionRequired);
    }

    public ProgramCall FreezeCall(DomainIdentity domain, TimeSpan limit) => Call(domain, "guest-fsfreeze-freeze", limit);

    public ProgramCall ThawCall(DomainIdentity domain) => Call(domain, "guest-fsfreeze-thaw", ThawLimit);

    // Not by the complaint: libvirt says "domain is not running" of a paused guest too, and that one wakes up frozen.
    private async Task<DomainState?> TryAskStateAsync(DomainIdentity domain)
    {
        try
        {
            return await host.StateAsync(domain, CancellationToken.None);
        }
        catch (KvmBackupException)
        {
            // libvirt itself does not answer; the thaw is tried again, and at last told as not confirmed.
            return null;
        }
    }

    private ProgramCall StatusCall(DomainIdentity domain) => Call(domain, "guest-fsfreeze-status", AnswerLimit);

    private ProgramCall Call(DomainIdentity domain, string command, TimeSpan limit)
    {
        string seconds = Math.Max(1, (int)limit.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        ProgramCall call = virsh.Call(
            "qemu-agent-command", "--domain", domain.Uuid.ToString(), "--timeout", seconds, $$"""{"execute":"{{command}}"}""");
        return call with { Timeout = limit + TimeSpan.FromSeconds(10) };
    }

    private async Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await virsh.RunAsync(call, cancellationToken);
        }
        catch (ShellException failure) when (!failure.IsProgramMissing)
        {
            // It may pass: the program was killed by its limit, or the host had no process to spare.
            return new ProgramResult(call, -1, string.Empty, failure.Message, call.Timeout);
        }
    }

    private static JsonElement? ReturnValue(ProgramResult result)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(result.StandardOutput);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("return", out JsonElement value) ? value.Clone() : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // Not an agent's answer; the caller shows the text as it came. Escapes that make no text (half a surrogate pair)
            // come as InvalidOperationException.
            return null;
        }
    }

    /// <returns>Null for what is no text: the guest may answer anything.</returns>
    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}

/// <summary>What the guest agent said when asked whether the file systems are frozen.</summary>
/// <param name="IsAnswering">The agent answered, and knows the question.</param>
/// <param name="IsFrozen">It said that they are frozen.</param>
/// <param name="Complaint">Why there is no answer; null when there is one.</param>
public sealed record AgentStatus(bool IsAnswering, bool IsFrozen, string? Complaint);
