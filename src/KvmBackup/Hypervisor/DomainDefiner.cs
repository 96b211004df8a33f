namespace KvmBackup.Hypervisor;

/// <summary>Defines and starts domains.</summary>
public sealed class DomainDefiner(Virsh virsh)
{
    /// <inheritdoc cref="Virsh.CommandLine"/>
    public string CommandLine => virsh.CommandLine;

    /// <summary>The storage pools of this libvirt.</summary>
    public StoragePools Pools { get; } = new(virsh);

    /// <summary>Access to the images of saved memory.</summary>
    public ManagedSave Saved { get; } = new(virsh);

    /// <summary>Access to the objects of libvirt to which domains refer.</summary>
    public HostDefinitions Definitions { get; } = new(virsh);

    /// <exception cref="HypervisorException">libvirt refused the XML.</exception>
    public Task DefineAsync(DomainName name, string xml, CancellationToken cancellationToken) =>
        virsh.RunCheckedAsync(
            xml, filePath => virsh.Call("define", filePath), $"{name}: defining the domain", cancellationToken);

    /// <summary>Restores libvirt's record of a snapshot; its parent must exist.</summary>
    /// <exception cref="HypervisorException">libvirt refused the XML.</exception>
    public Task DefineSnapshotAsync(
        DomainName name, ManifestSnapshot snapshot, string xml, CancellationToken cancellationToken) =>
        virsh.RunCheckedAsync(
            xml,
            filePath => virsh.Call(
                [
                    "snapshot-create", "--domain", name.Value, "--xmlfile", filePath, "--redefine",
                    .. snapshot.IsCurrent ? ["--current"] : Array.Empty<string>(),
                ]),
            $"{name}: restoring the record of the snapshot {snapshot.Name}", cancellationToken);

    /// <summary>Changes one disk of a shut-off domain's definition from its overlay back to its base.</summary>
    /// <param name="isBlockDevice">The base is a device rather than a file.</param>
    public async Task PutOnBaseAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isBlockDevice, CancellationToken cancellationToken)
    {
        string xml = await virsh.RunCheckedAsync(
            virsh.Call("dumpxml", "--security-info", "--inactive", "--domain", domain.Uuid.ToString()),
            $"{domain.Name}: reading the definition", cancellationToken);
        if (!DomainXml.DiskStates(DomainXml.Parse(xml)).ContainsKey(overlay.Target))
        {
            // The disk was attached to the running guest only.
            return;
        }

        await DefineAsync(domain.Name, DomainXmlEditor.PutOnBase(xml, overlay, isBlockDevice), cancellationToken);
    }

    /// <summary>
    /// Whether the guest's memory was saved while its disk was on the overlay. A resume then opens the overlay.
    /// </summary>
    public async Task<bool> IsSavedOnAsync(
        DomainIdentity domain, PlannedOverlay overlay, CancellationToken cancellationToken) =>
        await Saved.ReadAsync(domain, cancellationToken) is { } xml && SourceIn(xml, overlay) == overlay.OverlayPath;

    /// <summary>Changes one disk in the image of a guest's saved memory from its overlay back to its base.</summary>
    /// <param name="isBlockDevice">The base is a device rather than a file.</param>
    /// <exception cref="HypervisorException">The image still names the overlay, so the overlay must stay.</exception>
    public async Task PutSavedOnBaseAsync(
        DomainIdentity domain, PlannedOverlay overlay, bool isBlockDevice, CancellationToken cancellationToken)
    {
        if (await Saved.ReadAsync(domain, cancellationToken) is not { } xml)
        {
            return;
        }

        await virsh.RunCheckedAsync(
            DomainXmlEditor.PutOnBase(xml, overlay with { Volume = null }, isBlockDevice),
            filePath => virsh.Call("managedsave-define", "--domain", domain.Uuid.ToString(), filePath),
            $"{domain.Name}: {overlay.Target}: writing the base into the image of the guest's saved memory",
            cancellationToken);
        if (await Saved.ReadAsync(domain, cancellationToken) is { } after && SourceIn(after, overlay) is var source
            && source != overlay.BasePath)
        {
            throw new HypervisorException(
                $"{domain.Name}: {overlay.Target}: the image of the guest's saved memory names "
                    + $"{source ?? "no source"} instead of the base {overlay.BasePath}: the overlay "
                    + $"{overlay.OverlayPath} stays. To retry: {OverlayAdvice.Recover}",
                ExitCode.ManualActionRequired);
        }
    }

    /// <summary>Sets whether the domain starts with the host.</summary>
    public async Task SetAutostartAsync(DomainName name, bool isOn, CancellationToken cancellationToken) =>
        await virsh.RunCheckedAsync(
        virsh.Call(["autostart", .. isOn ? Array.Empty<string>() : ["--disable"], "--domain", name.Value]),
        $"{name}: setting autostart", cancellationToken);

    /// <param name="discardsSaved">Removes an image of saved memory instead of resuming from it.</param>
    public async Task StartAsync(DomainName name, bool discardsSaved, CancellationToken cancellationToken) =>
        await virsh.RunCheckedAsync(
            virsh.Call(["start", .. discardsSaved ? ["--force-boot"] : Array.Empty<string>(), "--domain", name.Value]),
            $"{name}: starting the domain", cancellationToken);

    private static string? SourceIn(string xml, PlannedOverlay overlay) =>
        DomainXml.DiskStates(DomainXml.Parse(xml)).GetValueOrDefault(overlay.Target)?.SourcePath;
}
