namespace KvmBackup.Tests.Architecture;

/// <summary>Guards the guards: each rule sees what it is there for.</summary>
public sealed class RuleTests
{
    private static readonly SourceFile Shell = SourceFile.Parse(
        "Shell/IProcessRunner.cs", "namespace KvmBackup.Shell;\n\npublic interface IProcessRunner\n{\n}\n");

    [Theory]
    [InlineData("using KvmBackup.Shell;")]
    [InlineData("global using KvmBackup.Shell;")]
    [InlineData("using static KvmBackup.Shell.IProcessRunner;")]
    [InlineData("using S = KvmBackup.Shell.IProcessRunner;")]
    [InlineData("class A { KvmBackup.Shell.IProcessRunner shell; }")]
    [InlineData("class A { global::KvmBackup.Shell.IProcessRunner shell; }")]
    [InlineData("class A { Shell.IProcessRunner shell; }")]
    [InlineData("class A { string text = $\"{nameof(Shell.IProcessRunner)}\"; }")]
    [InlineData("class A { string text = $\"a\" + nameof(Shell.IProcessRunner) + \"b\"; }")]
    [InlineData("class A { char quote = '\"'; Shell.IProcessRunner shell; string text = \"b\"; }")]
    public void A_crossing_is_seen_however_it_is_written(string code) =>
        Assert.Equal(["Planning/A.cs: Planning must not use Shell"], Find("Planning/A.cs", code));

    [Theory]
    [InlineData("// using KvmBackup.Shell;")]
    [InlineData("/* KvmBackup.Shell.IProcessRunner */")]
    [InlineData("class A { string text = \"KvmBackup.Shell.IProcessRunner\"; }")]
    [InlineData("class A { int length = this.Shell.IProcessRunner; }")]
    [InlineData("class A { int length = Shell.Length; }")]
    [InlineData("using KvmBackup.Model;\nusing KvmBackup.Configuration;\nusing KvmBackup.Planning;")]
    public void What_is_no_crossing_is_let_through(string code) => Assert.Empty(Find("Planning/A.cs", code));

    [Fact]
    public void A_room_that_the_table_does_not_know_may_use_nothing() =>
        Assert.Single(Find("Elsewhere/A.cs", "using KvmBackup.Model;"));

    [Theory]
    [InlineData("Runs", "class A { string a = \"virsh\"; }", true)]
    [InlineData("Hypervisor", "class A { string a = \"virsh\"; }", false)]
    [InlineData("Runs", "// virsh does this\nclass A;", false)]
    [InlineData("Runs", "class A { string a = \"type: virsh list\"; }", false)]
    [InlineData("Hypervisor", "class A { string a = \"qemu-img\"; }", true)]
    [InlineData("Archiving", "class A { string a = \"rbd\"; }", true)]
    [InlineData("Runs", "using YamlDotNet.Core;", true)]
    [InlineData("Runs", "using Medallion.Shell;", true)]
    [InlineData("Runs", "class A { void B() => Process.Start(\"x\"); }", true)]
    [InlineData("Shell", "class A { void B() => Process.Start(\"x\"); }", false)]
    [InlineData("Runs", "class A { int B => Environment.ProcessId; }", false)]
    [InlineData("Runs", "class A { void B() => Console.WriteLine(); }", true)]
    [InlineData("Runs", "class A { void B() => System.Console.WriteLine(); }", true)]
    [InlineData("Runs", "using Spectre.Console;", true)]
    [InlineData("Cli", "using Spectre.Console;", false)]
    [InlineData("Planning", "class A { bool B => File.Exists(\"x\"); }", true)]
    [InlineData("Storage", "class A { bool B => File.Exists(\"x\"); }", false)]
    [InlineData("Storage", "class A { object B => DateTimeOffset.UtcNow; }", true)]
    [InlineData("Storage", "class A { object B => File.OpenRead(\"x\"); }", true)]
    [InlineData("Storage", "class A { void B() { using FileStream b = new(\"x\", FileMode.Open); } }", true)]
    [InlineData("Storage", "class A { void B() => Directory.Delete(\"x\", recursive: true); }", true)]
    [InlineData("Runs", "class A { object B => File.OpenHandle(\"x\"); }", true)]
    [InlineData("Persisting", "class A { object B => File.OpenHandle(\"x\"); }", false)]
    [InlineData("Planning", "class A(ILogger log);", true)]
    public void A_word_belongs_to_its_room(string room, string code, bool isForeign) =>
        Assert.Equal(isForeign, ForeignTerms.Find(SourceFile.Parse($"{room}/A.cs", code)).Any());

    [Fact]
    public void A_file_tells_its_namespace_and_its_outermost_types()
    {
        SourceFile source = SourceFile.Parse(
            "Model/A.cs",
            """
            namespace KvmBackup.Model;

            public sealed record A(int B)
            {
                private sealed class Inner;
            }

            internal readonly record struct C;
            public static partial class D;
            public enum E
            {
            }
            file interface IF;
            """);
        Assert.Equal("KvmBackup.Model", source.Namespace);
        Assert.Equal(["A", "C", "D", "E", "IF"], source.Types);
        Assert.Equal(12, source.LineCount);
    }

    [Fact]
    public void Only_the_cases_of_a_type_may_stand_beside_it()
    {
        SourceFile source = SourceFile.Parse(
            "Model/Node.cs",
            "public abstract record Node;\npublic sealed record Leaf(int A)\n    : Node;\npublic sealed record Other;\n");
        Assert.Equal(["Other"], source.TypesApartFrom("Node"));
    }

    private static IReadOnlyList<string> Find(string path, string code)
    {
        SourceFile source = SourceFile.Parse(path, code);
        return new Crossings([Shell, source]).Find(source);
    }
}
