using System.Reflection;
using System.Text.RegularExpressions;

namespace KvmBackup.Tests.Architecture;

public sealed class ModuleTests
{
    private const int LongestFile = 400;
    private const int MostDependencies = 8;
    private const BindingFlags AllConstructors = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;

    // Types made by the compiler's generators lie in namespaces of their own.
    private static readonly Type[] Types = [.. typeof(Manifest).Assembly.GetTypes().Where(IsOurs)];

    [Fact]
    public void No_module_uses_another_that_the_table_does_not_allow()
    {
        Crossings crossings = new(Repository.Sources);
        None(Repository.Sources.SelectMany(crossings.Find));
    }

    [Fact]
    public void No_type_exposes_another_that_its_module_may_not_use() =>
        None(Types.SelectMany(type => TypeReferences.Of(type)
            .Where(used => IsOurs(used) && ModuleOf(type).Length > 0)
            .Where(used => !Crossings.IsAllowed(ModuleOf(type), ModuleOf(used)))
            .Select(used => $"{type} must not use {used}")).Distinct());

    [Fact]
    public void Every_folder_is_a_module_of_the_table() =>
        None(Repository.Sources.Select(source => source.Module).Distinct()
            .Where(module => module.Length > 0).Except(ModuleRules.MayUse.Keys));

    [Fact]
    public void The_table_has_no_cycle()
    {
        // A module that only uses modules above it in the table cannot be part of a cycle.
        List<string> above = [];
        foreach ((string module, string[] used) in ModuleRules.MayUse)
        {
            Assert.Empty(used.Except(above));
            above.Add(module);
        }
    }

    [Fact]
    public void The_folders_of_a_module_use_only_those_below_them()
    {
        foreach ((string module, string[] order) in ModuleRules.FolderOrder)
        {
            SourceFile[] sources = [.. Repository.Sources.Where(source => source.Module == module)];
            Assert.Equal(order.Order(), sources.Select(source => source.Folder).Distinct().Order());
            None(
                from source in sources
                from used in sources
                where Array.IndexOf(order, used.Folder) > Array.IndexOf(order, source.Folder)
                from type in used.Types
                where Regex.IsMatch(source.CodeWithoutStrings, $@"\b{type}\b")
                select $"{source.RelativePath} must not use {used.Folder}/{type}");
        }
    }

    [Fact]
    public void The_root_holds_the_program_only() =>
        Assert.Equal(
            ["Program.cs"],
            Repository.Sources.Where(source => source.Module.Length == 0).Select(source => source.RelativePath));

    [Fact]
    public void A_namespace_is_its_folder()
    {
        None(WrongNamespaces(Repository.Sources, "KvmBackup"));
        foreach (string project in new[] { "KvmBackup.Tests", "KvmBackup.Lab" })
        {
            None(WrongNamespaces(Repository.Read($"tests/{project}"), project));
        }
    }

    [Fact]
    public void A_file_has_the_name_of_its_main_type() =>
        None(Repository.Sources.Concat(Repository.Read("tests"))
            .Where(source => source.RelativePath != "Program.cs" && !source.IsAttributesOnly)
            .Where(source => !source.Types.Contains(MainTypeOf(source)))
            .Select(source => $"{source.RelativePath} holds {string.Join(", ", source.Types)}"));

    [Fact]
    public void No_class_depends_on_more_than_eight_others() =>
        None(Types.Where(type => type.IsClass && !IsRecord(type) && !typeof(Exception).IsAssignableFrom(type))
            .SelectMany(type => type.GetConstructors(AllConstructors))
            .Where(constructor => constructor.GetParameters().Length > MostDependencies)
            .Select(constructor => $"{constructor.DeclaringType} has {constructor.GetParameters().Length} parameters"));

    [Fact]
    public void No_file_has_more_than_400_lines() =>
        None(Repository.Sources.Concat(Repository.Read("tests"))
            .Where(source => source.LineCount > LongestFile)
            .Select(source => $"{source.RelativePath} has {source.LineCount} lines; the limit is {LongestFile}"));

    [Fact]
    public void No_module_uses_a_term_of_another() =>
        None(Repository.Sources.SelectMany(ForeignTerms.Find));

    [Fact]
    public void Every_exception_is_still_needed()
    {
        foreach ((string filePath, string pattern, string reason) in ModuleRules.Exceptions)
        {
            Assert.Contains(ModuleRules.Words, word => word.Pattern == pattern);
            SourceFile source = Assert.Single(Repository.Sources, source => source.RelativePath == filePath);
            Assert.True(Regex.IsMatch(source.Code, pattern), $"{filePath} no longer needs '{pattern}' ({reason})");
        }
    }

    // All of them at once: xunit would cut them short.
    private static void None(IEnumerable<string> offences)
    {
        string[] all = [.. offences];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }

    private static bool IsOurs(Type type) =>
        type.Assembly == typeof(Manifest).Assembly
        && type.Namespace?.StartsWith("KvmBackup", StringComparison.Ordinal) == true;

    // Only records have the method that "with" uses.
    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null;

    private static string ModuleOf(Type type) => ModuleRules.ModuleOf(type.Namespace!.Split('.')[1..]);

    // Vda.Part.cs is the second file of a partial type.
    private static string MainTypeOf(SourceFile source) => Path.GetFileName(source.RelativePath).Split('.')[0];

    private static IEnumerable<string> WrongNamespaces(IEnumerable<SourceFile> sources, string root) =>
        from source in sources
        let expected = source.Folder.Length == 0 ? root : $"{root}.{source.Folder.Replace('/', '.')}"
        where source.RelativePath != "Program.cs" && !source.IsAttributesOnly && source.Namespace != expected
        select $"{source.RelativePath} is in {source.Namespace}, not in {expected}";
}
