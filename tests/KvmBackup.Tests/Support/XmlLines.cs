using System.Xml.Linq;

namespace KvmBackup.Tests.Support;

/// <summary>Compares two XML documents by the paths and values of their nodes.</summary>
public static class XmlLines
{
    /// <returns>The removed and the added lines in their order; a moved line is both.</returns>
    public static IEnumerable<string> Differences(string before, string after)
    {
        string[] old = Read(before);
        string[] current = Read(after);

        // common[i, j]: how many lines old[i..] and current[j..] have in common, in order.
        int[,] common = new int[old.Length + 1, current.Length + 1];
        for (int i = old.Length - 1; i >= 0; i--)
        {
            for (int j = current.Length - 1; j >= 0; j--)
            {
                common[i, j] = old[i] == current[j] ? common[i + 1, j + 1] + 1
                    : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        return Walk(old, current, common).DefaultIfEmpty("(none)");
    }

    private static IEnumerable<string> Walk(string[] old, string[] current, int[,] common)
    {
        (int i, int j) = (0, 0);
        while (i < old.Length || j < current.Length)
        {
            if (i < old.Length && j < current.Length && old[i] == current[j])
            {
                (i, j) = (i + 1, j + 1);
            }
            else if (j == current.Length || (i < old.Length && common[i + 1, j] >= common[i, j + 1]))
            {
                yield return $"- {old[i++]}";
            }
            else
            {
                yield return $"+ {current[j++]}";
            }
        }
    }

    private static string[] Read(string xml) =>
        [.. XDocument.Parse(xml, LoadOptions.PreserveWhitespace).Nodes()
            .SelectMany(node => Describe(node, string.Empty))];

    private static IEnumerable<string> Describe(XNode node, string path) => node switch
    {
        XElement element => Describe(element, $"{path}/{Name(element)}"),

        // Blanks between two elements have no meaning.
        XText text when string.IsNullOrWhiteSpace(text.Value) && (text.Parent?.Elements().Any() ?? true) => [],
        XText text => [$"{path} = {Printable(text.Value)}"],
        XComment comment => [$"{path}/#comment = {Printable(comment.Value)}"],
        XProcessingInstruction instruction => [$"{path}/?{instruction.Target} = {Printable(instruction.Data)}"],
        _ => [$"{path}/{node.NodeType}"],
    };

    private static IEnumerable<string> Describe(XElement element, string path) =>
    [
        path,
        .. element.Attributes().Select(attribute => $"{path}/@{attribute.Name} = {Printable(attribute.Value)}"),
        .. element.Nodes().SelectMany(node => Describe(node, path)),
    ];

    private static string Name(XElement element) =>
        element.Element("target")?.Attribute("dev")?.Value is { } target ? $"{element.Name}[{target}]"
        : $"{element.Name}";

    private static string Printable(string text) => string.Concat(
        text.Select(letter => char.IsControl(letter) ? $"\\u{(int)letter:x4}" : letter.ToString()));
}
