using System.Xml.Linq;
using KvmBackup.Hypervisor;
using KvmBackup.Planning;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Hypervisor;

/// <summary>Definitions as real tools leave them: their facts, and what a restore changes in them.</summary>
public sealed class DefinitionShapeTests
{
    public static TheoryData<string> Shapes => DefinitionShape.All;

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_facts_and_the_decision_on_each_disk_are_right(string name)
    {
        DefinitionShape shape = new(name);

        shape.AssertExpected("facts", Describe(shape.Xml));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_restore_changes_only_what_it_must(string name)
    {
        DefinitionShape shape = new(name);
        string xml = shape.Xml;
        DomainPlan plan = Plan(xml);
        DomainEdit same = new(
            null,
            plan.Taken.Where(disk => disk.Rbd is null).ToDictionary(disk => disk.Target, disk => disk.SourcePath!),
            DomainXml.FilePaths(xml).ToDictionary(path => path));
        DomainEdit copy = new(
            new DomainName("copy of it"),
            plan.Taken.Where(disk => disk.Rbd is null)
                .ToDictionary(disk => disk.Target, disk => $"/restored/{disk.Target}.{disk.Format}"),
            DomainXml.Files(DomainXml.Parse(xml)).ToDictionary(
                file => file.SourcePath, file => $"/restored/{file.MemberName}"))
        {
            DiskImages = plan.Taken.Where(disk => disk.Rbd is not null)
                .ToDictionary(disk => disk.Target, disk => new RbdImage("restored", null, disk.Target.Value)),
        };

        shape.AssertExpected(
            "edits",
            [
                "[in place]", .. XmlLines.Differences(xml, DomainXmlEditor.Apply(xml, same)),
                "[copy]", .. XmlLines.Differences(xml, DomainXmlEditor.Apply(xml, copy)),
                "[overlay put on its base]", .. XmlLines.Differences(xml, PutOnBase(xml, plan)),
            ]);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_truncated_definition_is_refused(string name)
    {
        string xml = new DefinitionShape(name).Xml.TrimEnd();
        int end = xml.LastIndexOf("</domain>", StringComparison.Ordinal);
        foreach (int length in Enumerable.Range(0, 40).Select(part => end * part / 40))
        {
            Assert.Throws<HypervisorException>(() => Describe(xml[..length]));
            Assert.Throws<HypervisorException>(() => Copy(xml[..length]));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void An_unknown_element_changes_no_fact_in_any_place(string name)
    {
        string xml = new DefinitionShape(name).Xml;
        string[] known = Describe(xml);
        string[] copy = [.. XmlLines.Differences(xml, Copy(xml))];
        foreach (int index in Enumerable.Range(0, XElement.Parse(xml).DescendantsAndSelf().Count()))
        {
            XElement parsed = XElement.Parse(xml);
            XElement parent = parsed.DescendantsAndSelf().ElementAt(index);
            parent.AddFirst(XElement.Parse("<unknown-element a='b'><unknown-inner/></unknown-element>"));
            string changed = parsed.ToString();

            Assert.Equal(known, Describe(changed));
            string restored = Copy(changed);
            Assert.Equal(
                copy,
                XmlLines.Differences(changed, restored)
                    .Where(line => !line.Contains("unknown-", StringComparison.Ordinal)));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_missing_or_repeated_target_is_refused_with_its_name(string name)
    {
        XElement domain = XElement.Parse(new DefinitionShape(name).Xml);
        XElement disk = domain.Descendants("disk").Last();
        string target = disk.Element("target")!.Attribute("dev")!.Value;
        domain.Element("devices")!.Add(new XElement(disk));
        AssertRefused(domain, $"disk {target}");

        disk.Element("target")!.SetAttributeValue("dev", "../../etc/x");
        AssertRefused(domain, "../../etc/x");

        disk.Element("target")!.Remove();
        AssertRefused(domain, "target");
    }

    private static void AssertRefused(XElement domain, string words)
    {
        string xml = domain.ToString();
        Action[] calls =
        [
            () => Describe(xml), () => Copy(xml), () => DomainXml.RbdSources(xml), () => DomainXml.MappedDisks(xml),
            () => DomainXml.DiskStates(DomainXml.Parse(xml)), () => DomainXml.DiskPaths(xml, Web1.Vda),
            () => DomainXmlEditor.PutOnBase(xml, Web1.VdaOverlay, isBlockDevice: false),
            () => DomainXmlEditor.AddDisks(xml, xml, [Web1.Vda]),
        ];
        Assert.All(
            calls,
            call => Assert.Contains(words, Assert.Throws<HypervisorException>(call).Message, StringComparison.Ordinal));
    }

    private static string[] Describe(string xml)
    {
        DomainFacts facts = Facts(xml);
        DomainPlan plan = Plan(xml);
        DiskTarget[] known = [.. facts.Disks.Select(disk => disk.Target)];
        return
        [
            $"memory {DomainXml.MemoryBytes(xml)} bytes, agent {facts.HasAgentChannel}, TPM {facts.HasTpm}",
            .. facts.Files.Select(file => $"{file.MemberName}: {file.SourcePath}"),
            .. facts.Disks.SelectMany(disk => Describe(xml, disk, plan)),
            .. plan.Refusals.Where(refusal => !refusal.StartsWith("disk ", StringComparison.Ordinal))
                .Select(refusal => $"refused: {refusal}"),
            .. plan.Warnings.Select(warning => $"warning: {warning}"),
            .. DefinitionRisks.Find(xml, known).Select(risk => $"review: {risk}"),
        ];
    }

    private static IEnumerable<string> Describe(string xml, DiskFacts disk, DomainPlan plan)
    {
        DiskState state = DomainXml.DiskStates(DomainXml.Parse(xml))[disk.Target];
        string[] properties =
        [
            .. new[]
            {
                disk.IsReadOnly ? "readonly" : null, disk.IsShareable ? "shareable" : null,
                disk.IsTransient ? "transient" : null, disk.BlockJob is { } job ? $"job {job}" : null,
                disk.Encryption is { } encryption ? $"{encryption.Format} {encryption.SecretText}" : null,
                DomainXml.MappedDisks(xml).Contains(disk.Target) ? "mapped" : null,
            }.OfType<string>(),
        ];
        yield return $"{disk.Target}: {disk.Device}, {disk.SourceType}, {disk.SourceText}"
            + string.Concat(properties.Select(property => $", {property}"));
        if (disk.Rbd is { } rbd)
        {
            yield return $"  cluster: {string.Join(' ', rbd.Monitors)} user {rbd.User} secret {rbd.Secret}";
        }

        foreach (string path in state.Backing)
        {
            yield return $"  backing: {path}";
        }

        yield return plan.Skipped.FirstOrDefault(skipped => skipped.Target == disk.Target) is { } left
            ? $"  skipped: {left.Reason}"
            : plan.Refusals.FirstOrDefault(
                refusal => refusal.StartsWith($"disk {disk.Target} ", StringComparison.Ordinal)) is { } refusal
            ? $"  refused: {refusal}" : "  taken";
    }

    private static string Copy(string xml)
    {
        DomainXml.Parse(xml);
        return DomainXmlEditor.Apply(
            xml,
            new DomainEdit(
                new DomainName("copy"),
                Facts(xml).Disks.Where(disk => disk.Rbd is null).ToDictionary(
                    disk => disk.Target, disk => $"/restored/{disk.Target}"),
                new Dictionary<string, string>()));
    }

    private static string PutOnBase(string xml, DomainPlan plan)
    {
        foreach (DiskFacts disk in plan.Taken.Where(disk => disk.Rbd is null))
        {
            PlannedOverlay overlay = new(disk.Target, disk.SourcePath!, disk.Format, "/overlays/x.qcow2");
            XElement domain = XElement.Parse(xml, LoadOptions.PreserveWhitespace);
            XElement changed = domain.Descendants("disk").Single(
                element => element.Element("target")!.Attribute("dev")!.Value == disk.Target.Value);
            changed.SetAttributeValue("type", "file");
            changed.Element("driver")?.SetAttributeValue("type", "qcow2");
            changed.Element("source")!.SetAttributeValue("dev", null);
            changed.Element("source")!.SetAttributeValue("file", overlay.OverlayPath);
            xml = DomainXmlEditor.PutOnBase(
                domain.ToString(SaveOptions.DisableFormatting), overlay, disk.SourceType == DiskSourceType.Block);
        }

        return xml;
    }

    private static DomainPlan Plan(string xml) => DomainPlanner.Plan(Facts(xml), Web1.Settings, "virsh");

    private static DomainFacts Facts(string xml)
    {
        XElement domain = DomainXml.Parse(xml);
        return new DomainFacts(
            new DomainName("shape"), Web1.Uuid,
            domain.Attribute("id") is null ? DomainState.ShutOff : DomainState.Running, IsPersistent: true,
            DomainXml.HasAgentChannel(domain), DomainXml.HasTpm(domain), DomainXml.Disks(domain), [], [], null,
            DomainXml.Files(domain), new DomainDefinition(xml, xml, xml))
        {
            Excluded = MetadataXml.Excluded(domain),
            HasForeignNvram = DomainXml.HasForeignNvram(domain),
        };
    }
}
